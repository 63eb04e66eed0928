// An answer's data as a table: GraphQL gives trees, officials ask for rows.

/**
 * The rows in `data`: the first list of objects in it, nearest to the root; else `data`'s only object as one row.
 *
 * Gives `{path, columns, rows}`: `path` in response keys; nested objects become columns with dots, lists of objects are
 * counted, lists of values are joined. Null where there is nothing to tabulate.
 */
export function tabulate(data) {
  const found = nearestList(data)
  if (found === null) return null
  const rows = found.list.map((one) => flat(one, '', {}))
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return columns.length > 0 ? { path: found.path, columns, rows } : null
}

function nearestList(data) {
  let level = isObject(data) ? [{ path: [], value: data }] : []
  let single = null
  while (level.length > 0) {
    for (const { path, value } of level) {
      if (Array.isArray(value) && value.some(isObject)) return { path, list: value.filter(isObject) }
    }
    single ??= level.find(({ path, value }) => path.length > 0 && isObject(value)) ?? null
    level = level.flatMap(({ path, value }) =>
      isObject(value) ? Object.entries(value).map(([key, inner]) => ({ path: [...path, key], value: inner })) : [],
    )
  }
  return single && { path: single.path, list: [single.value] }
}

function flat(value, prefix, row) {
  for (const [key, inner] of Object.entries(value)) {
    const column = prefix ? `${prefix}.${key}` : key
    if (isObject(inner)) flat(inner, column, row)
    else if (Array.isArray(inner)) row[column] = inner.some(isObject) ? inner.length : inner.join('; ')
    else row[column] = inner
  }
  return row
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The rows in the order of one column; nulls stand last either way. `sort` is `{column, descending}` or null. */
export function sorted(rows, sort) {
  if (!sort) return rows
  const direction = sort.descending ? -1 : 1
  return rows.toSorted((left, right) => {
    const [a, b] = [left[sort.column] ?? null, right[sort.column] ?? null]
    if (a === null || b === null) return (a === null) - (b === null)
    if (typeof a === 'number' && typeof b === 'number') return (a - b) * direction
    return String(a).localeCompare(String(b), undefined, { numeric: true }) * direction
  })
}

/** The table as CSV (RFC 4180) with a byte order mark, without which spreadsheets misread Chinese. */
export function toCsv({ columns, rows }) {
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))]
  return '\ufeff' + lines.map((line) => line.map(cell).join(',')).join('\r\n') + '\r\n'
}

/** A text that a spreadsheet would take for a formula is given as text. */
function cell(value) {
  const text = value == null ? '' : String(value)
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
