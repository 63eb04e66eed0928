import { useMemo, useState } from 'react'
import { AnswerTable } from './AnswerTable.jsx'
import { tabulate } from './table.js'
import { words } from './words.js'

const SHOWN = 12

/** The last answer in words: how it went, and for every refusal which items, whose they are and where to apply. */
export function Answer({ answer, children }) {
  const [folded, setFolded] = useState(false)
  const [tabular, setTabular] = useState(false)
  const table = useMemo(() => tabulate(answer?.body.data), [answer])
  const errors = answer?.body.errors ?? []
  const outcome = answer && outcomeOf(answer)
  return (
    <section className="answer" aria-label={words.answered}>
      <div className="answer-line" role="status">
        {answer && (
          <>
            <strong className={`badge ${outcome}`}>{words[outcome]}</strong>
            <span>
              {answer.status > 0 && `HTTP ${answer.status} · `}
              {Math.round(answer.milliseconds)} ms · {size(answer.bytes)}
            </span>
          </>
        )}
        {table && (
          <button type="button" className="quiet" aria-expanded={tabular} onClick={() => setTabular(!tabular)}>
            {words.table} <span aria-hidden="true">{tabular ? '▾' : '▴'}</span>
          </button>
        )}
        {children}
        {errors.length > 0 && (
          <button type="button" className="quiet" aria-expanded={!folded} onClick={() => setFolded(!folded)}>
            {folded ? words.unfold : words.fold}
          </button>
        )}
      </div>
      {errors.length > 0 && !folded && (
        <ul className="errors">
          {errors.slice(0, SHOWN).map((error, index) => (
            <ErrorCard key={index} error={error} />
          ))}
          {errors.length > SHOWN && <li className="more">{words.more(errors.length - SHOWN)}</li>}
        </ul>
      )}
      {table && tabular && <AnswerTable table={table} />}
    </section>
  )
}

function outcomeOf({ body }) {
  const errors = body.errors ?? []
  if (errors.length === 0) return 'answered'
  if (body.data) return 'partly'
  return errors.some(isRefusal) ? 'refused' : 'failed'
}

function isRefusal(error) {
  return Boolean(error.extensions?.resource)
}

function size(bytes) {
  return bytes < 1024 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} kB`
}

function ErrorCard({ error }) {
  const { code, resource, title, items, provider, department, subgraph, apply, dueDays, requestId } = error.extensions ?? {}
  const paths = error.extensions?.paths ?? (error.path ? [error.path] : [])
  return (
    <li className={`card ${isRefusal(error) ? 'refusal' : 'fault'}`}>
      <p className="card-head">
        {code && <code className="code">{code}</code>}
        {title && <strong>{title}</strong>}
      </p>
      <p className="card-message">{error.message}</p>
      <dl>
        <Fact name={words.resource} value={resource && <code>{resource}</code>} />
        <Fact name={words.items} value={items?.length > 0 && items.map((item) => <code key={item}>{item}</code>)} />
        <Fact name={words.provider} value={provider} />
        <Fact name={words.department} value={department ?? subgraph} />
        <Fact name={words.where} value={paths.length > 0 && <code>{paths.map((path) => path.join('.')).join(', ')}</code>} />
        <Fact name={words.requestId} value={requestId && <code>{requestId}</code>} />
      </dl>
      {isAddress(apply) && (
        <p>
          <a className="apply" href={apply} target="_blank" rel="noopener">
            {words.apply}
          </a>
          {dueDays != null && <small> {words.days(dueDays)}</small>}
        </p>
      )}
    </li>
  )
}

function Fact({ name, value }) {
  if (!value) return null
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

/** Only web addresses become links: an answer is data, and `javascript:` is an address too. */
function isAddress(text) {
  return typeof text === 'string' && /^(https?:\/\/|\/(?!\/))/.test(text)
}
