// Knows what rows of B looked like before anything was tried: a checksum by relation and world, and texts that occur in
// B's rows and nowhere else, which no probe of A may ever show.
import type { Client } from 'pg'

import type { Ownership } from './arena.ts'
import type { Outcome } from './outcome/outcome.ts'
import { ident, qualified } from './quoting.ts'
import type { Relation } from './surface/relations.ts'
import { nameOf } from './surface/relations.ts'

/** A row as texts, by column. */
export type Row = Readonly<Record<string, string | null>>

export interface Planted {
  readonly a: readonly Row[]
  /** Of world 0; those that world 1 has not come first. */
  readonly b: readonly Row[]
}

/** Rows read of a relation and owner: planted tables are small, and a view may not be. */
const ROWS_MAX = 200
const TEXT_MIN = 6
const NUMBER_MIN = 9
/** String, uuid and other user types, numbers; not booleans, dates, enums, which repeat by chance. */
const tellingCategories = new Set(['S', 'U', 'N', 'A'])

const tokensOf = (text: string): string[] => text.split(/[^\p{L}\p{N}@._-]+/u)
const isTelling = (text: string): boolean => text.length >= (/^[\d.,-]*$/.test(text) ? NUMBER_MIN : TEXT_MIN)

export class Witness {
  readonly planted: ReadonlyMap<string, Planted>
  readonly #questions: ReadonlyMap<string, string>
  readonly #answers: readonly [ReadonlyMap<string, string>, ReadonlyMap<string, string>]
  readonly #secrets: ReadonlySet<string>

  private constructor(
    planted: ReadonlyMap<string, Planted>,
    questions: ReadonlyMap<string, string>,
    answers: readonly [ReadonlyMap<string, string>, ReadonlyMap<string, string>],
    secrets: ReadonlySet<string>,
  ) {
    this.planted = planted
    this.#questions = questions
    this.#answers = answers
    this.#secrets = secrets
  }

  /** @param clients administrators' connections to world 0 and 1 */
  static async look(
    clients: readonly [Client, Client],
    relations: readonly Relation[],
    owners: ReadonlyMap<string, Ownership>,
    organizations: { readonly b: string },
  ): Promise<Witness> {
    const planted = new Map<string, Planted>()
    const questions = new Map<string, string>()
    const answers: [Map<string, string>, Map<string, string>] = [new Map(), new Map()]
    const secret = new Set<string>([organizations.b])
    const common = new Set<string>(await textsOfTheSchema(clients[0]))
    for (const relation of relations) {
      const name = nameOf(relation)
      const owner = owners.get(name)
      if (owner === undefined) continue
      const [here, there] = await Promise.all(clients.map((client) => readRows(client, relation, owner)))
      if (here === undefined || there === undefined) continue
      const known = new Set(there.b.map((row) => JSON.stringify(keyOf(relation, row))))
      const onlyHere = here.b.filter((row) => !known.has(JSON.stringify(keyOf(relation, row))))
      planted.set(name, { a: here.a, b: [...onlyHere, ...here.b.filter((row) => !onlyHere.includes(row))] })
      if (relation.kind === 'v') continue
      const telling = relation.columns.filter(({ category }) => tellingCategories.has(category)).map(({ name }) => name)
      for (const world of [here, there]) {
        collect(world.b, telling, secret)
        collect(
          [...world.a, ...world.others],
          relation.columns.map(({ name }) => name),
          common,
        )
      }
      const question = `select count(*) || ' ' || md5(coalesce(string_agg(t::text, E'\\n' order by t::text), ''))
        from ${qualified(relation.schema, relation.name)} t where ${owner.b}`
      questions.set(name, question)
      for (const world of [0, 1] as const) answers[world].set(name, await ask(clients[world], question))
    }
    for (const text of common) secret.delete(text)
    return new Witness(planted, questions, answers, secret)
  }

  /** The query whose one cell tells B's rows of the relation; undefined where nobody's rows are known. */
  question(relation: string): string | undefined {
    return this.#questions.get(relation)
  }

  answer(world: 0 | 1, relation: string): string | undefined {
    return this.#answers[world].get(relation)
  }

  /** A text of B that the outcome shows although the probe did not contain it. */
  secretIn({ message, notices, results }: Outcome, probe: string): string | undefined {
    const search = (text: string): string | undefined => {
      if (this.#secrets.has(text) && !probe.includes(text)) return text
      return tokensOf(text).find((token) => this.#secrets.has(token) && !probe.includes(token))
    }
    for (const text of [message, ...notices]) {
      const found = search(text)
      if (found !== undefined) return found
    }
    for (const { rows } of results) {
      for (const row of rows) {
        for (const cell of row) {
          const found = cell === null ? undefined : search(cell)
          if (found !== undefined) return found
        }
      }
    }
    return undefined
  }
}

const keyOf = (relation: Relation, row: Row): unknown =>
  (relation.keys.find(({ kind }) => kind === 'primary')?.columns ?? relation.columns.map(({ name }) => name)).map(
    (column) => row[column],
  )

function collect(rows: readonly Row[], columns: readonly string[], into: Set<string>): void {
  for (const row of rows) {
    for (const column of columns) {
      const text = row[column]
      if (text === null || text === undefined) continue
      for (const token of [text, ...tokensOf(text)]) if (isTelling(token)) into.add(token)
    }
  }
}

async function ask(client: Client, question: string): Promise<string> {
  const { rows } = await client.query<string[]>({ text: question, rowMode: 'array' })
  return rows[0]?.[0] ?? ''
}

async function readRows(
  client: Client,
  relation: Relation,
  owner: Ownership,
): Promise<{ a: Row[]; b: Row[]; others: Row[] } | undefined> {
  const columns = relation.columns.map(({ name }) => `${ident(name)}::text as ${ident(name)}`).join(', ')
  const from = `from ${qualified(relation.schema, relation.name)} t`
  const read = async (condition: string): Promise<Row[]> =>
    (
      await client.query<Record<string, string | null>>(
        `select ${columns} ${from} where ${condition} order by t::text limit ${ROWS_MAX}`,
      )
    ).rows
  if (relation.columns.length === 0) return undefined
  try {
    const [a, b] = [await read(owner.a), await read(owner.b)]
    return { a, b, others: relation.kind === 'v' ? [] : await read(`((${owner.a}) or (${owner.b})) is not true`) }
  } catch {
    // A view that refuses the administrator, a foreign server that is down: it has no rows to know.
    return undefined
  }
}

/** What names, defaults, checks and bodies of functions say is nobody's secret. */
async function textsOfTheSchema(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ text: string | null }>(
    `select pg_get_constraintdef(c.oid) as text from pg_constraint c
     union all select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d
     union all select p.prosrc from pg_proc p where p.pronamespace <> 'pg_catalog'::regnamespace
     union all select c.relname from pg_class c where c.relnamespace <> 'pg_catalog'::regnamespace
     union all select a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relnamespace <> 'pg_catalog'::regnamespace
     union all select e.enumlabel from pg_enum e
     union all select r.rolname from pg_roles r
     union all select n.nspname from pg_namespace n
     union all select d.datname from pg_database d
     union all select p.polname from pg_policy p`,
  )
  return rows.flatMap(({ text }) => (text === null ? [] : tokensOf(text.replaceAll(/['"]/g, ' '))))
}
