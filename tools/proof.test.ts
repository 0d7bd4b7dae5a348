// docs/proof.md pairs each promise with what shows it. A named test must exist and run, a named file
// must exist, a named script must be declared: a promise cannot outlive its proof.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')

/** `file › name` names a test; `npm run x`/`npm test` a script; anything else in backticks with a slash a file. */
interface Proof {
  readonly line: number
  readonly text: string
}

const proofsOf = (markdown: string): Proof[] =>
  markdown.split('\n').flatMap((line, index) => {
    const cells = line.split('|').map((cell) => cell.trim())
    if (cells.length < 4 || cells[1] === '' || /^-+$/.test(cells[1] ?? '') || cells[1] === 'promise') return []
    const shown = [...(cells[2] ?? '').matchAll(/`([^`]+)`/g)].map((match) => ({
      line: index + 1,
      text: match[1] as string,
    }))
    return shown.length === 0 ? [{ line: index + 1, text: '' }] : shown
  })

function problemOf(
  proof: Proof,
  read: (file: string) => string | null,
  scripts: Record<string, string>,
): string | null {
  const where = `line ${proof.line}: ${proof.text}`
  if (proof.text === '') return `line ${proof.line}: a promise without a proof`
  const script = /^npm (?:run )?([a-z:]+)/.exec(proof.text)?.[1]
  if (script !== undefined) return script === 'ci' || scripts[script] !== undefined ? null : `${where}: no such script`
  const [file, name] = proof.text.split(' › ') as [string, string | undefined]
  const text = read(file)
  if (text === null) return `${where}: no such file`
  if (name === undefined) return null
  const at = [`'${name.replaceAll("'", String.raw`\'`)}'`, `"${name}"`, `\`${name}\``]
    .map((quoted) => text.indexOf(quoted))
    .find((position) => position >= 0)
  if (at === undefined) return `${where}: no such test`
  const call = text.slice(Math.max(0, text.lastIndexOf('\n', at)), at)
  return /\.(skip|todo|skipIf|runIf|fails)\b/.test(call) || /describe\.(skip|todo)/.test(text)
    ? `${where}: does not run`
    : null
}

const readProjectFile = (file: string): string | null => {
  const path = join(root, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : null
}
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

describe('docs/proof.md', () => {
  it('names only tests, files and scripts that exist and run', () => {
    const proofs = proofsOf(readFileSync(join(root, 'docs/proof.md'), 'utf8'))
    expect(proofs.length).toBeGreaterThan(20)
    expect(proofs.map((proof) => problemOf(proof, readProjectFile, scripts)).filter(Boolean)).toEqual([])
  })

  it('is refused when a test is missing, is skipped, or a promise has none', () => {
    const files: Record<string, string> = { 'a.test.ts': "it('runs', f)\nit.skip('sleeps', f)" }
    const problems = proofsOf(
      '| one | `a.test.ts › runs` | |\n| two | `a.test.ts › sleeps` | |\n| three | `a.test.ts › never was` | |\n| four | soon | |\n| five | `b.ts` | |\n| six | `npm run nothing` | |',
    ).map((proof) => problemOf(proof, (file) => files[file] ?? null, scripts))
    expect(problems.map((problem) => problem?.replace(/^line \d+: /, '') ?? null)).toEqual([
      null,
      'a.test.ts › sleeps: does not run',
      'a.test.ts › never was: no such test',
      'a promise without a proof',
      'b.ts: no such file',
      'npm run nothing: no such script',
    ])
  })
})
