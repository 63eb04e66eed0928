import { useState } from 'react'
import { sorted, toCsv } from './table.js'
import { words } from './words.js'

const SHOWN = 200

/** The answer's rows: sortable by every column, to be taken along as CSV. */
export function AnswerTable({ table }) {
  const [sort, setSort] = useState(null)
  const rows = sorted(table.rows, sort)

  function turn(column) {
    if (sort?.column !== column) setSort({ column, descending: false })
    else setSort(sort.descending ? null : { column, descending: true })
  }

  function download() {
    const address = URL.createObjectURL(new Blob([toCsv({ ...table, rows })], { type: 'text/csv;charset=utf-8' }))
    const link = Object.assign(document.createElement('a'), { href: address, download: `${table.path.at(-1)}.csv` })
    link.click()
    URL.revokeObjectURL(address)
  }

  return (
    <div className="rows">
      <p className="rows-line">
        <span>
          <code>{table.path.join('.')}</code> · {words.rows(table.rows.length)}
          {rows.length > SHOWN && ` · ${words.firstRows(SHOWN)}`}
        </span>
        <button type="button" className="quiet" onClick={download}>
          {words.csv}
        </button>
      </p>
      <div className="rows-scroll" role="region" aria-label={words.table} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {table.columns.map((column) => (
                <th key={column} scope="col" aria-sort={order(sort, column)}>
                  <button type="button" onClick={() => turn(column)}>
                    {column} <span aria-hidden="true">{{ ascending: '▴', descending: '▾', none: '↕' }[order(sort, column)]}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, SHOWN).map((row, index) => (
              <tr key={index}>
                {table.columns.map((column) => (
                  <td key={column} className={typeof row[column] === 'number' ? 'number' : undefined}>
                    {row[column] == null ? <span className="nothing">—</span> : String(row[column])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

function order(sort, column) {
  if (sort?.column !== column) return 'none'
  return sort.descending ? 'descending' : 'ascending'
}
