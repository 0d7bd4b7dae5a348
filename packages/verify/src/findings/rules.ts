// The numbered rules, as the folders beside this file hold them, and the choice among them.
import { RowhouseError } from '@rowhouse/contracts'
import { ruleFiles } from '../generated/rules.ts'

export interface Rule {
  /** `V0101`. */
  readonly id: string
  readonly code: string
  /** One sentence. */
  readonly title: string
  /** Why it matters and how to mend it, in Markdown. */
  readonly help: string
  /** Its page. */
  readonly url: string
  readonly anywhere: boolean
  readonly rowhouse: boolean
  readonly sql: string
}

const docs = 'https://github.com/rowhouse/rowhouse/blob/main/docs'
const pages = `${docs}/rules`

export const rules: readonly Rule[] = ruleFiles.map(({ page, where, ...rule }) => ({
  ...rule,
  url: `${pages}/${page}`,
  anywhere: where.includes('anywhere'),
  rowhouse: where.includes('rowhouse'),
}))

const byCode = new Map(rules.map((rule) => [rule.code, rule]))
const byId = new Map(rules.map((rule) => [rule.id, rule]))

/** The page of a rule, or of the attacks. */
export const docsUrl = (rule: string): string =>
  byId.get(rule)?.url ?? (/^V9\d{3}$/.test(rule) ? `${docs}/attacks.md#what-is-found` : `${pages}/README.md`)

export const ruleOfCode = (code: string): Rule | undefined => byCode.get(code)

/**
 * The rules that are meant by ids (`V0101`), classes (`V01`) or codes (`rls_disabled`); one with a minus is left out.
 * All of them for none.
 *
 * @throws RowhouseError invalid_option for one that does not exist
 */
export function chooseRules(wanted: readonly string[] = []): readonly Rule[] {
  const meant = (word: string): readonly Rule[] => {
    const name = word.replace(/^-/, '')
    const found = rules.filter(
      ({ id, code }) => id === name || code === name || (/^V\d\d$/.test(name) && id.startsWith(name)),
    )
    if (found.length === 0)
      throw new RowhouseError('invalid_option', `There is no rule ${name}.`, {
        hint: 'Name an id (V0101), a class (V01) or a code (rls_disabled); docs/rules/README.md lists them.',
      })
    return found
  }
  const without = new Set(wanted.filter((word) => word.startsWith('-')).flatMap((word) => meant(word)))
  const only = wanted.filter((word) => !word.startsWith('-')).flatMap((word) => meant(word))
  return rules.filter((rule) => !without.has(rule) && (only.length === 0 || only.includes(rule)))
}
