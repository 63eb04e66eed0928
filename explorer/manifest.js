// What a build leaves beside its scripts: manifest.json (entry, styles, SHA-256 of every file) and THIRD-PARTY.txt (the
// licences of every package whose code went into a script, workers included).
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const packages = new Map()

/** Remembers the package of every module in a bundle; workers are bundles of their own and need it too. */
export function recordModules() {
  return {
    name: 'record-modules',
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue
        for (const id of chunk.moduleIds ?? Object.keys(chunk.modules)) remember(id.replace(/^\0/, '').split('?')[0])
      }
    },
  }
}

function remember(id) {
  if (!id.includes('/node_modules/')) return
  for (let folder = dirname(id); folder.includes('/node_modules/'); folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (!existsSync(file)) continue
    const { name, version, license } = JSON.parse(readFileSync(file, 'utf8'))
    if (!name || !version) continue
    packages.set(`${name} ${version}`, { folder, license })
    return
  }
}

/** Writes both files once the scripts are on disk. */
export function writeManifest() {
  return {
    name: 'write-manifest',
    apply: 'build',
    writeBundle({ dir }, bundle) {
      writeFileSync(join(dir, 'THIRD-PARTY.txt'), thirdParty())
      const entry = Object.values(bundle).find((chunk) => chunk.isEntry).fileName
      const names = readdirSync(dir).filter((name) => name !== 'manifest.json').sort()
      const files = Object.fromEntries(names.map((name) => [name, digest(join(dir, name))]))
      const styles = names.filter((name) => name.endsWith('.css'))
      writeFileSync(join(dir, 'manifest.json'), JSON.stringify({ entry, styles, files }, null, 1) + '\n')
    },
  }
}

function digest(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

function thirdParty() {
  const heading = 'The scripts in this folder hold code of the packages below, each under its own licence.\n'
  const sections = [...packages.keys()].sort().map((name) => {
    const { folder, license } = packages.get(name)
    const texts = readdirSync(folder)
      .filter((file) => /^(licen[cs]e|notice|thirdpartynotices)/i.test(file))
      .sort()
      .map((file) => readFileSync(join(folder, file), 'utf8').replace(/\r/g, '').trim())
    return [`${'='.repeat(80)}\n${name}\nLicence: ${license ?? 'see below'}`, ...texts].join('\n\n')
  })
  return [heading, ...sections].join('\n') + '\n'
}
