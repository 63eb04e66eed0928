// The request as text to run elsewhere. The key never goes into the text: it is read from the environment there.
const KEY = 'WATERSMEET_KEY'

export const LANGUAGES = { curl, Python: python, JavaScript: javascript }

function curl({ address, headers, request }) {
  const lines = Object.entries(headers).map(([name, value]) =>
    name === 'X-API-Key' ? `-H "X-API-Key: $${KEY}"` : `-H ${quoted(`${name}: ${value}`)}`,
  )
  const all = [...lines, `-H 'Content-Type: application/json'`, `--data ${quoted(JSON.stringify(request))}`]
  return [`curl -sS ${quoted(address)}`, ...all].join(' \\\n  ') + '\n'
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function python({ address, headers, request }) {
  return `import json
import os
import urllib.request

headers = {
    "Content-Type": "application/json",
${entries(headers, `os.environ["${KEY}"]`, (value) => `${pythonText(value)}.encode().decode("latin-1")`)}}
request = json.loads(${pythonText(JSON.stringify(request))})
call = urllib.request.Request(${pythonText(address)}, json.dumps(request).encode(), headers)
with urllib.request.urlopen(call) as answer:
    print(json.dumps(json.load(answer), ensure_ascii=False, indent=2))
`
}

/** JSON's string escapes are Python's too. */
function pythonText(text) {
  return JSON.stringify(text)
}

function javascript({ address, headers, request }) {
  return `const answer = await fetch(${JSON.stringify(address)}, {
  method: 'POST',
  headers: {
    'Content-Type': 'application/json',
${entries(headers, `process.env.${KEY}`, (value) => `Buffer.from(${JSON.stringify(value)}).toString('latin1')`)}  },
  body: JSON.stringify(${JSON.stringify(request, null, 2).replaceAll('\n', '\n  ')}),
})
console.log(await answer.json())
`
}

function entries(headers, key, foreign) {
  const plain = (value) => (/^[\x20-\x7e]*$/.test(value) ? JSON.stringify(value) : foreign(value))
  return Object.entries(headers)
    .map(([name, value]) => `    "${name}": ${name === 'X-API-Key' ? key : plain(value)},\n`)
    .join('')
}
