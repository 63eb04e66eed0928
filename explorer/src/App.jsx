import { GraphiQL } from 'graphiql'
import { useCallback, useMemo, useState } from 'react'
import { Answer } from './Answer.jsx'
import { CallerBar } from './CallerBar.jsx'
import { CopyAs } from './CopyAs.jsx'
import { Examples } from './Examples.jsx'
import { OWN, PUBLIC, chooseCaller, headersOf, rememberCaller, rememberedCaller } from './caller.js'
import { createFetcher } from './fetcher.js'
import { words } from './words.js'

const ALWAYS = [
  { id: PUBLIC, label: words.public, description: words.publicNote },
  { id: OWN, label: words.own, description: words.ownNote },
]

/** The explorer: GraphiQL under a bar that says who asks. A new caller is a new fetcher, and with it a new schema. */
export function App({ address, config }) {
  const [caller, setCaller] = useState(rememberedCaller)
  const [answer, setAnswer] = useState(null)
  const [schema, setSchema] = useState({ state: 'reading' })
  const [place, setPlace] = useState(null)
  const [first] = useState(() => firstTab(config.queries))
  const callers = useMemo(() => allCallers(config.callers), [config])

  const change = useCallback((next) => {
    rememberCaller(next)
    setCaller(next)
    setAnswer(null)
    setSchema((before) => ({ ...before, state: 'reading' }))
  }, [])
  const headers = useMemo(() => headersOf(caller), [caller])
  const fetcher = useMemo(() => {
    const onSchema = ({ body }) => {
      if (!body.data) setSchema((before) => ({ ...before, state: 'unread', error: body.errors?.[0]?.message ?? '' }))
    }
    return createFetcher(address, headers, { onSchema, onAnswer: setAnswer })
  }, [address, headers])
  const onSchemaChange = useCallback((read) => setSchema((before) => measured(read, before)), [])

  return (
    <>
      <CallerBar
        caller={caller}
        callers={callers}
        schema={schema}
        onChoose={(one) => change(chooseCaller(caller, one))}
        onEdit={(values) => change(edited(caller, values))}
      >
        <div className="examples-place" ref={setPlace} />
      </CallerBar>
      <GraphiQL
        fetcher={fetcher}
        storage={sessionStorage}
        isHeadersEditorEnabled={false}
        shouldPersistHeaders={false}
        showPersistHeadersSettings={false}
        defaultTabs={[first]}
        initialVariables={first.variables || undefined}
        defaultEditorToolsVisibility={config.queries.some(({ variables }) => !isEmpty(variables)) ? 'variables' : undefined}
        onSchemaChange={onSchemaChange}
      >
        <GraphiQL.Logo>
          <span className="unseen">GraphiQL</span>
        </GraphiQL.Logo>
        <Examples queries={config.queries} place={place} />
        <GraphiQL.Footer>
          <Answer answer={answer}>
            <CopyAs address={address} headers={headers} />
          </Answer>
        </GraphiQL.Footer>
      </GraphiQL>
    </>
  )
}

function allCallers(ready) {
  const given = ready.map((one, index) => ({ ...one, id: `ready-${index}` }))
  const hasPublic = given.some(({ headers }) => Object.keys(headers ?? {}).length === 0)
  if (hasPublic) return [...given, ALWAYS[1]]
  return [ALWAYS[0], ...given, ALWAYS[1]]
}

/** A changed key is a key of one's own: the name of the ready-made caller would be a lie. */
function edited(caller, values) {
  return { ...caller, ...values, choice: values.key === undefined ? caller.choice : OWN }
}

/**
 * What stands in the editors when the page opens. GraphiQL takes a tab's query from here but not its variables, and what
 * it is given counts more than what the last visit left; so variables are given on a first visit only.
 */
function firstTab(queries) {
  if (queries.length === 0) return { query: `${words.welcome}\n{\n  __schema { queryType { fields { name description } } }\n}\n` }
  const { query, variables } = queries[0]
  const returning = sessionStorage.getItem('graphiql:tabState') !== null
  return { query, variables: returning || isEmpty(variables) ? '' : JSON.stringify(variables, null, 2) }
}

function isEmpty(variables) {
  return Object.keys(variables ?? {}).length === 0
}

function measured(schema, before) {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'))
  const fields = types.reduce((sum, type) => sum + Object.keys(type.getFields?.() ?? {}).length, 0)
  const change = before.fields === undefined ? 0 : fields - before.fields
  return { state: 'read', types: types.length, fields, change }
}
