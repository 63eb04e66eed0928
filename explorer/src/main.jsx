import { createRoot } from 'react-dom/client'
import '@graphiql/react/style.css'
import '@graphiql/plugin-doc-explorer/style.css'
import '@graphiql/plugin-history/style.css'
import 'graphiql/graphiql.css'
import './explorer.css'
import './workers.js'
import { App } from './App.jsx'
import { language } from './words.js'

const place = document.getElementById('explorer')

/** Ready-made callers and queries; a server that offers none answers with empty lists. */
async function readConfig(address) {
  const response = await fetch(address, { credentials: 'same-origin', headers: { Accept: 'application/json' } })
  if (!response.ok) throw new Error(`${address}: HTTP ${response.status}`)
  const { callers, queries } = await response.json()
  return { callers: callers.map(inLanguage), queries: queries.map(inLanguage) }
}

function inLanguage(ready) {
  if (language !== 'zh') return ready
  return { ...ready, label: ready.label_zh || ready.label, description: ready.description_zh || ready.description }
}

const { graphql, config } = place.dataset
createRoot(place).render(<App address={graphql} config={await readConfig(config)} />)
