import { useGraphiQL } from '@graphiql/react'
import { useState } from 'react'
import { chosenOperation } from './fetcher.js'
import { LANGUAGES } from './snippets.js'
import { words } from './words.js'

/** Copies the open operation as a program text that runs elsewhere. */
export function CopyAs({ address, headers }) {
  const { queryEditor, variableEditor, operationName } = useGraphiQL(({ queryEditor, variableEditor, operationName }) => ({
    queryEditor,
    variableEditor,
    operationName,
  }))
  const [copied, setCopied] = useState('')

  async function copy(language) {
    const { request } = chosenOperation({ query: queryEditor.getValue(), operationName })
    const variables = parsed(variableEditor?.getValue())
    if (variables) request.variables = variables
    const text = LANGUAGES[language]({ address: new URL(address, location.href).href, headers, request })
    await toClipboard(text)
    setCopied(language)
  }

  return (
    <span className="copy-as" role="group" aria-label={words.copy}>
      <span>{words.copy}</span>
      {Object.keys(LANGUAGES).map((language) => (
        <button key={language} type="button" className="quiet" disabled={!queryEditor} onClick={() => copy(language)}>
          {language}
        </button>
      ))}
      <span className="unseen" role="status">
        {copied && words.copied(copied)}
      </span>
    </span>
  )
}

function parsed(text) {
  try {
    return JSON.parse(text || 'null')
  } catch {
    return null
  }
}

/** Browsers offer the clipboard to pages behind TLS only; elsewhere a selection is copied, as by hand. */
async function toClipboard(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const holder = Object.assign(document.createElement('textarea'), { value: text, className: 'unseen' })
  document.body.append(holder)
  holder.select()
  document.execCommand('copy')
  holder.remove()
}
