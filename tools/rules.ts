// Reads the numbered rules of packages/verify and makes what is generated from them: rowhouse.findings() and the pages
// of docs/rules/. A rule is one folder: rule.sql, fixture.sql, expected.txt, README.md.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface RuleFile {
  /** `V0101`. */
  readonly id: string
  readonly code: string
  /** The file of its page in docs/rules. */
  readonly page: string
  /** `anywhere`: on every database. `rowhouse`: on what Rowhouse made, and in rowhouse.findings(). */
  readonly where: readonly string[]
  /** The first paragraph of its README. */
  readonly title: string
  /** The rest of it. */
  readonly help: string
  readonly sql: string
}

export interface Rules {
  readonly folder: string
  readonly list: readonly RuleFile[]
  readonly models: Readonly<Record<'modelSql' | 'prelude' | 'preludeRowhouse' | 'preludeDerived', string>>
}

const classes: Readonly<Record<string, string>> = {
  '00': 'What Rowhouse made',
  '01': 'Switches and roles',
  '02': 'Policies',
  '03': 'Objects beside the tables',
  '04': 'Keys and references',
  '05': 'Sessions and poolers',
  '06': 'A schema or a database for each tenant',
  '07': 'Supabase’s own surfaces, and publications',
  '08': 'Performance',
}

/** @throws Error when a folder, its README or the first line of its SQL is not as the others are */
export function readRules(folder: string): Rules {
  const prelude = (name: string): string => readFileSync(join(folder, 'prelude', name), 'utf8')
  return {
    folder,
    list: readdirSync(join(folder, 'rules'))
      .toSorted()
      .map((name) => readRule(folder, name)),
    models: {
      modelSql: readFileSync(join(folder, '../model/model.sql'), 'utf8'),
      prelude: prelude('prelude.sql'),
      preludeRowhouse: prelude('prelude-rowhouse.sql'),
      preludeDerived: prelude('prelude-derived.sql'),
    },
  }
}

function readRule(folder: string, name: string): RuleFile {
  const at = join(folder, 'rules', name)
  const number = /^(\d{4})-([a-z-]+)$/.exec(name)
  const text = readFileSync(join(at, 'rule.sql'), 'utf8')
  const head = /^-- ([a-z_]+)\. Where: ([a-z, ]+)\.\n/.exec(text)
  const readme = /^# V(\d{4}) ([a-z_]+)\n\n(.+)\n\n([^]+)$/.exec(readFileSync(join(at, 'README.md'), 'utf8'))
  if (number === null || head === null || readme === null) throw new Error(`The rule ${name} is not as the others are.`)
  const code = head[1] as string
  if (code !== number[2]?.replaceAll('-', '_') || readme[1] !== number[1] || readme[2] !== code)
    throw new Error(`The rule ${name} has several names.`)
  return {
    id: `V${number[1]}`,
    code,
    page: `${name}.md`,
    where: (head[2] as string).split(', '),
    title: readme[3] as string,
    help: (readme[4] as string).trim(),
    sql: text.slice(head[0].length).trim(),
  }
}

const marks = [
  '  -- The rules, composed: packages/verify/src/findings/rules. Do not edit between these lines.\n',
  '  -- End of the rules.\n',
] as const

/** The text of 0007_findings.sql with everything between its marks made anew. */
export function composeFindings(sql: string, { list, models }: Rules): string {
  const [from, to] = marks.map((mark) => sql.indexOf(mark)) as [number, number]
  if (from < 0 || to < from) throw new Error('0007_findings.sql has lost the marks that the rules stand between.')
  const indent = (text: string, by: string): string => text.replaceAll(/^(?=.)/gm, by)
  const prelude = `${models.preludeRowhouse.trim()}\n${models.preludeDerived.trim()}`
  const selects = list
    .filter(({ where }) => where.includes('rowhouse'))
    .map(
      ({ id, code, sql }) =>
        `select '${code}', r.severity, r.object, r.message, r.fix\nfrom ( -- ${id}\n${indent(sql, '  ')}\n) r\n`,
    )
  const body = indent(`${prelude}\n${selects.join('\nunion all\n')}`, '  ')
  return sql.slice(0, from + marks[0].length) + body + sql.slice(to)
}

/** docs/rules/README.md: every rule, by class. */
export function renderRuleIndex({ list }: Rules): string {
  const byClass = Map.groupBy(list, ({ id }) => id.slice(1, 3))
  const sections = [...byClass].map(
    ([number, rules]) =>
      `## ${classes[number]}\n\n${rules.map(({ id, code, page, title }) => `- [${id} \`${code}\`](${page}): ${title}`).join('\n')}\n`,
  )
  return `# The rules of \`rowhouse verify\`\n\nMade from the folders of \`packages/verify/src/findings/rules/\`: each has the SQL of the rule, a schema that breaks it,\nwhat must be found there, and this page. ${list.length} rules.\n\n${sections.join('\n')}`
}

/** One page of docs/rules: the README, and the schema that breaks the rule. */
export function renderRulePage({ id, code, page, title, help, where }: RuleFile, { folder }: Rules): string {
  const fixture = readFileSync(join(folder, 'rules', page.replace(/\.md$/, ''), 'fixture.sql'), 'utf8')
    .replace(/^-- On: .*\n/, '')
    .trim()
  const example = fixture === '' ? '' : `\n\n## What breaks it\n\n\`\`\`sql\n${fixture}\n\`\`\``
  const scope = where.includes('rowhouse')
    ? where.includes('anywhere')
      ? 'Everywhere, and in `rowhouse.findings()`.'
      : 'Where Rowhouse is installed, and in `rowhouse.findings()`.'
    : 'Everywhere.'
  return `# ${id} \`${code}\`\n\n${title}\n\n${help}${example}\n\n${scope} [All rules](README.md)\n`
}
