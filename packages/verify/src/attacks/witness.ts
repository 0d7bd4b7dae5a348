// Knows what rows of B looked like before anything was tried: a checksum by relation and world, and texts that occur in
// B's rows and nowhere else, which no probe of A may ever show.
import type { Client, QueryResult } from 'pg'

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
  /** Relations that no time was left to look at. */
  readonly unread: ReadonlySet<string>
  readonly #questions: ReadonlyMap<string, string>
  readonly #answers: readonly [ReadonlyMap<string, string>, ReadonlyMap<string, string>]
  readonly #secrets: ReadonlySet<string>
  /** By text that was shown. */
  readonly #known = new Map<string, readonly string[]>()

  private constructor(
    planted: ReadonlyMap<string, Planted>,
    questions: ReadonlyMap<string, string>,
    answers: readonly [ReadonlyMap<string, string>, ReadonlyMap<string, string>],
    secrets: ReadonlySet<string>,
    unread: ReadonlySet<string>,
  ) {
    this.planted = planted
    this.unread = unread
    this.#questions = questions
    this.#answers = answers
    this.#secrets = secrets
  }

  /**
   * @param clients administrators' connections to world 0 and 1
   * @param bound asked before each relation; what comes after it has said no is not known, and its rows are nobody's
   */
  static async look(
    clients: readonly [Client, Client],
    relations: readonly Relation[],
    owners: ReadonlyMap<string, Ownership>,
    organizations: { readonly b: string },
    bound: (done: number, total: number) => boolean = () => true,
  ): Promise<Witness> {
    const planted = new Map<string, Planted>()
    const questions = new Map<string, string>()
    const answers: [Map<string, string>, Map<string, string>] = [new Map(), new Map()]
    // A key that is a small number stands in many places by chance, in A's own rows too.
    const secret = new Set(isTelling(organizations.b) ? [organizations.b] : [])
    const common = new Set<string>(await textsOfTheSchema(clients[0]))
    const unread = new Set<string>()
    for (const [at, relation] of relations.entries()) {
      const name = nameOf(relation)
      if (unread.size > 0 || !bound(at, relations.length)) {
        unread.add(name)
        continue
      }
      const owner = owners.get(name)
      if (owner === undefined) continue
      const question = `select count(*) || ' ' || md5(coalesce(string_agg(t::text, E'\\n' order by t::text), ''))
        from ${qualified(relation.schema, relation.name)} t where ${owner.b}`
      const [here, there] = await Promise.all(clients.map((client) => readRows(client, relation, owner, question)))
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
      questions.set(name, question)
      answers[0].set(name, here.answer)
      answers[1].set(name, there.answer)
    }
    for (const text of common) secret.delete(text)
    return new Witness(planted, questions, answers, secret, unread)
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
    const search = (text: string): string | undefined => this.#secretsOf(text).find((secret) => !probe.includes(secret))
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

  /** Secrets of B in a text. A's own rows come back from most probes: taking their texts apart each time cost more than asking. */
  #secretsOf(text: string): readonly string[] {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const found = [text, ...tokensOf(text)].filter((part) => this.#secrets.has(part))
    if (this.#known.size >= KNOWN_TEXTS_MAX) this.#known.clear()
    this.#known.set(text, found)
    return found
  }
}

const KNOWN_TEXTS_MAX = 20_000

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

interface Seen {
  readonly a: Row[]
  readonly b: Row[]
  readonly others: Row[]
  /** To the question; empty for a view. */
  readonly answer: string
}

/** In one message: a round trip for each question was most of what looking at thousands of tables took. */
async function readRows(
  client: Client,
  relation: Relation,
  owner: Ownership,
  question: string,
): Promise<Seen | undefined> {
  if (relation.columns.length === 0) return undefined
  const columns = relation.columns.map(({ name }) => `${ident(name)}::text as ${ident(name)}`).join(', ')
  const from = `from ${qualified(relation.schema, relation.name)} t`
  const read = (condition: string): string =>
    `select ${columns} ${from} where ${condition} order by t::text limit ${ROWS_MAX}`
  const asked = [read(owner.a), read(owner.b)]
  if (relation.kind !== 'v') asked.push(read(`((${owner.a}) or (${owner.b})) is not true`), question)
  try {
    const results = (await client.query(asked.join(';\n'))) as unknown as readonly QueryResult<Row>[]
    const [a = [], b = [], others = [], answers = []] = results.map(({ rows }) => rows)
    return { a, b, others, answer: Object.values(answers[0] ?? {})[0] ?? '' }
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
     union all select p.polname from pg_policy p
     -- What Postgres says of statements itself, and triggers write down as TG_OP.
     union all select k.word from pg_get_keywords() k union all select upper(k.word) from pg_get_keywords() k`,
  )
  return rows.flatMap(({ text }) => (text === null ? [] : tokensOf(text.replaceAll(/['"]/g, ' '))))
}
