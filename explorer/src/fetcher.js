import { parse } from 'graphql'
import { asHeaderBytes } from './caller.js'

const ANSWER = 'application/graphql-response+json, application/json;q=0.9'

/**
 * The function that GraphiQL sends operations with: POST to `address` with `headers`; subscriptions as server-sent events.
 *
 * `onSchema(answer)` and `onAnswer(answer)` hear about each answer: `{status, milliseconds, bytes, body}`.
 */
export function createFetcher(address, headers, { onSchema, onAnswer }) {
  return (given) => {
    if (given.operationName === 'IntrospectionQuery') return single(address, headers, given, onSchema)
    const { request, kind } = chosenOperation(given)
    if (kind === 'subscription') return events(address, headers, request, onAnswer)
    return single(address, headers, request, onAnswer)
  }
}

/**
 * The request with a name that its document holds, and the kind of the operation that will run.
 *
 * GraphiQL learns the names a moment after the text has changed; a name from the text before would be refused.
 */
export function chosenOperation(given) {
  const operations = operationsOf(given.query)
  const named = operations.find(({ name }) => name?.value === given.operationName)
  const { operationName, ...nameless } = given
  return { request: named ? given : nameless, kind: (named ?? operations[0])?.operation }
}

function operationsOf(text) {
  try {
    return parse(text, { noLocation: true }).definitions.filter(({ kind }) => kind === 'OperationDefinition')
  } catch {
    return []
  }
}

function post(address, headers, request, accept, signal) {
  return fetch(address, {
    method: 'POST',
    credentials: 'same-origin',
    signal,
    headers: { ...asHeaderBytes(headers), 'Content-Type': 'application/json', Accept: accept },
    body: JSON.stringify(request),
  })
}

async function single(address, headers, request, hear) {
  const started = performance.now()
  try {
    const response = await post(address, headers, request, ANSWER)
    const text = await response.text()
    const body = parsed(text, response)
    hear({
      status: response.status,
      milliseconds: performance.now() - started,
      bytes: new TextEncoder().encode(text).length,
      body,
    })
    return body
  } catch (error) {
    const body = { errors: [{ message: String(error.message ?? error) }] }
    hear({ status: 0, milliseconds: performance.now() - started, bytes: 0, body })
    return body
  }
}

function parsed(text, response) {
  try {
    return JSON.parse(text)
  } catch {
    return { errors: [{ message: `HTTP ${response.status}: ${text.slice(0, 400) || response.statusText}` }] }
  }
}

async function* events(address, headers, request, hear) {
  const stop = new AbortController()
  const started = performance.now()
  try {
    const response = await post(address, headers, request, 'text/event-stream', stop.signal)
    if (!(response.headers.get('Content-Type') ?? '').startsWith('text/event-stream')) {
      const body = parsed(await response.text(), response)
      hear({ status: response.status, milliseconds: performance.now() - started, bytes: 0, body })
      yield body
      return
    }
    for await (const { event, data } of messages(response.body)) {
      if (event === 'complete') return
      if (event !== 'next') continue
      const body = JSON.parse(data)
      hear({ status: response.status, milliseconds: performance.now() - started, bytes: data.length, body })
      yield body
    }
  } finally {
    stop.abort()
  }
}

/** The messages of an event stream (WHATWG HTML, "Server-sent events"). */
async function* messages(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader()
  let pending = ''
  while (true) {
    const { done, value } = await reader.read()
    if (done) return
    const blocks = (pending + value.replaceAll('\r\n', '\n')).split('\n\n')
    pending = blocks.pop()
    for (const block of blocks) {
      const lines = block.split('\n').map((line) => /^([^:]*):? ?(.*)$/.exec(line))
      const of = (field) => lines.filter(([, name]) => name === field).map(([, , text]) => text)
      yield { event: of('event')[0] ?? 'message', data: of('data').join('\n') }
    }
  }
}
