// Who asks. A caller is kept for the life of the browser tab only (sessionStorage) and travels in headers only, never in
// an address: addresses end up in histories, logs and mails.

export const FIELDS = [
  { name: 'key', header: 'X-API-Key', secret: true },
  { name: 'purpose', header: 'X-Purpose' },
  { name: 'caseNumber', header: 'X-Case-Number' },
  { name: 'officer', header: 'X-Officer' },
]
export const PUBLIC = 'public'
export const OWN = 'own'

const PLACE = 'watersmeet:caller'

/** The caller of the last visit in this tab, else the public. */
export function rememberedCaller() {
  try {
    return { ...emptyCaller(), ...JSON.parse(sessionStorage.getItem(PLACE) ?? '{}') }
  } catch {
    return emptyCaller()
  }
}

export function rememberCaller(caller) {
  sessionStorage.setItem(PLACE, JSON.stringify(caller))
}

function emptyCaller() {
  return { choice: PUBLIC, partial: false, ...Object.fromEntries(FIELDS.map(({ name }) => [name, ''])) }
}

/** The caller after a ready-made one (`{id, headers}`) was chosen; header names are matched without regard to case. */
export function chooseCaller(caller, { id, headers = {} }) {
  const given = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  const values = FIELDS.map(({ name, header }) => [name, given.get(header.toLowerCase()) ?? ''])
  return { ...caller, ...Object.fromEntries(values), choice: id }
}

/** The headers of a request in this caller's name, without those left empty. */
export function headersOf(caller) {
  const headers = {}
  for (const { name, header } of FIELDS) if (caller[name].trim()) headers[header] = caller[name].trim()
  if (caller.partial) headers.Prefer = 'partial-data'
  return headers
}

/** Header values as fetch takes them: bytes as Latin-1, here those of UTF-8, which is how the gateway reads them. */
export function asHeaderBytes(headers) {
  const encode = (value) => String.fromCharCode(...new TextEncoder().encode(value))
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, encode(value)]))
}
