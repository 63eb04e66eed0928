import { useGraphiQL, useGraphiQLActions } from '@graphiql/react'
import { createPortal } from 'react-dom'
import { words } from './words.js'

/** Ready-made queries: one click puts query and variables into the editors (a new tab, unless the open one is empty). */
export function Examples({ queries, place }) {
  const { addTab, updateActiveTabValues } = useGraphiQLActions()
  const { queryEditor, variableEditor } = useGraphiQL(({ queryEditor, variableEditor }) => ({ queryEditor, variableEditor }))
  if (!place || queries.length === 0) return null

  function load({ query, variables }) {
    const values = [query, variables && Object.keys(variables).length > 0 ? JSON.stringify(variables, null, 2) : '']
    const known = queries.some((one) => one.query.trim() === queryEditor.getValue().trim())
    if (queryEditor.getValue().trim() && !known) addTab()
    queryEditor.setValue(values[0])
    variableEditor.setValue(values[1])
    updateActiveTabValues({ query: values[0], variables: values[1] })
    queryEditor.focus()
  }

  return createPortal(
    <div className="examples" role="group" aria-label={words.examples}>
      <span className="examples-title">{words.examples}</span>
      {queries.map((one) => (
        <button key={one.label} type="button" disabled={!queryEditor || !variableEditor} title={one.description} onClick={() => load(one)}>
          {one.label}
        </button>
      ))}
    </div>,
    place,
  )
}
