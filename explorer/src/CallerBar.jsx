import { useId, useState } from 'react'
import { FIELDS, OWN } from './caller.js'
import { words } from './words.js'

/** Who asks: ready-made callers as a row of choices, and what a request says about the caller, field by field. */
export function CallerBar({ caller, callers, onChoose, onEdit, schema, children }) {
  const [open, setOpen] = useState(() => window.matchMedia('(min-width: 60rem)').matches)
  const chosen = callers.find(({ id }) => id === caller.choice) ?? callers[0]
  const shown = open || caller.choice === OWN
  return (
    <section className="caller" aria-label={words.asking}>
      <div className="caller-row">
        <fieldset className="choices">
          <legend>{words.asking}</legend>
          {callers.map((one) => (
            <label key={one.id} className="choice">
              <input
                type="radio"
                name="caller"
                value={one.id}
                checked={one.id === chosen.id}
                onChange={() => onChoose(one)}
              />
              <span>{one.label}</span>
            </label>
          ))}
        </fieldset>
        <button type="button" className="quiet" aria-expanded={shown} aria-controls="details" onClick={() => setOpen(!shown)}>
          {words.details} <span aria-hidden="true">{shown ? '▴' : '▾'}</span>
        </button>
        {children}
      </div>
      <div id="details" className="details" hidden={!shown}>
        {FIELDS.map((field) => (
          <Field key={field.name} field={field} value={caller[field.name]} onCommit={(value) => onEdit({ [field.name]: value })} />
        ))}
        <label className="toggle" title={words.partialNote}>
          <input type="checkbox" role="switch" checked={caller.partial} onChange={(event) => onEdit({ partial: event.target.checked })} />
          <span>{words.partial}</span>
        </label>
      </div>
      <p className="caller-note">
        <span>{chosen.description}</span>
        <SchemaNote {...schema} />
      </p>
    </section>
  )
}

/** A header's value; it counts once the field is left or Enter is pressed, not at every letter. */
function Field({ field, value, onCommit }) {
  const id = useId()
  const [draft, setDraft] = useState({ from: value, text: value })
  const [visible, setVisible] = useState(false)
  if (draft.from !== value) setDraft({ from: value, text: value })
  const commit = () => draft.text !== value && onCommit(draft.text)
  return (
    <div className="field">
      <label htmlFor={id}>
        {words[field.name]} <code>{field.header}</code>
      </label>
      <span className="field-input">
        <input
          id={id}
          type={field.secret && !visible ? 'password' : 'text'}
          autoComplete="off"
          spellCheck="false"
          value={draft.text}
          onChange={(event) => setDraft({ ...draft, text: event.target.value })}
          onBlur={commit}
          onKeyDown={(event) => event.key === 'Enter' && commit()}
        />
        {field.secret && (
          <button type="button" className="quiet" aria-pressed={visible} onClick={() => setVisible(!visible)}>
            {visible ? words.hide : words.show}
          </button>
        )}
      </span>
    </div>
  )
}

function SchemaNote({ state, types, fields, change, error }) {
  return (
    <span className="schema-note" role="status" data-state={state}>
      {state === 'reading' && words.reading}
      {state === 'unread' && `${words.unread} ${error}`}
      {state === 'read' && words.sees(types, fields)}
      {state === 'read' && change !== 0 && <em> · {words.change(change)}</em>}
    </span>
  )
}
