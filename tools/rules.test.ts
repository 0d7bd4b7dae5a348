// The folders of rules are whole, and the page of classes names each of them: a rule cannot be added in silence.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { composeFindings, readRules } from './rules.ts'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'packages/verify/src/findings')
const rules = readRules(folder)

describe('the rules', () => {
  it('each have a schema that breaks them and what must be found there', () => {
    const missing = rules.list.flatMap(({ page }) =>
      ['fixture.sql', 'expected.txt'].filter(
        (file) => !existsSync(join(folder, 'rules', page.replace(/\.md$/, ''), file)),
      ),
    )
    expect(missing).toEqual([])
  })

  it('every rule stands in the table of classes, and every rule of the table exists', () => {
    const readme = readFileSync(join(root, 'packages/verify/README.md'), 'utf8')
    const named = new Set(readme.match(/V\d{4}/g))
    expect(rules.list.map(({ id }) => id).filter((id) => !named.has(id))).toEqual([])
    expect([...named].filter((id) => !rules.list.some((rule) => rule.id === id))).toEqual([])
  })

  it('every rule is in a class, whose attacks are there', () => {
    const readme = readFileSync(join(root, 'packages/verify/README.md'), 'utf8')
    const attacks = new Set(
      readFileSync(join(root, 'packages/verify/src/attacks/rules.ts'), 'utf8')
        .match(/'V9\d{3}'/g)
        ?.map((id) => id.slice(1, 4)),
    )
    const classes = readme
      .split('\n')
      .filter((line) => /^\|.*V0\d{3}/.test(line))
      .map((line) => line.split('|').map((cell) => cell.trim())[3] ?? '')
    expect(classes.length).toBeGreaterThan(25)
    // Each says which attacks, or that there is none.
    expect(classes.filter((cell) => !/^(V9\d|–|not covered)/.test(cell))).toEqual([])
    const named = new Set(classes.join(' ').match(/V9\d/g))
    expect([...named].filter((attack) => !attacks.has(attack))).toEqual([])
    expect([...attacks].filter((attack) => !named.has(attack))).toEqual([])
  })

  it('are in rowhouse.findings() where their first line says so', () => {
    const composed = composeFindings(
      readFileSync(join(root, 'packages/database/migrations/0007_findings.sql'), 'utf8'),
      rules,
    )
    const wrong = rules.list.filter(
      ({ code, where }) => composed.includes(`select '${code}', r.severity`) !== where.includes('rowhouse'),
    )
    expect(wrong).toEqual([])
  })

  it('that lose the marks of the migration are refused', () => {
    expect(() => composeFindings('select 1', rules)).toThrow('lost the marks')
  })

  it('are as many as the documentation says', () => {
    expect(readFileSync(join(root, 'docs/verify.md'), 'utf8')).toContain(
      `[${rules.list.length} rules](rules/README.md)`,
    )
  })
})
