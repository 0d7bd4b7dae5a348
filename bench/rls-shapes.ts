// What an application asks of its contacts. A shape is written once: `{table}` and `{companies}` are the variant's, and
// `{mine}` is nothing where policies do it, and the hand-written condition where they do not.
import type { OrganizationRows } from './rls-world.ts'

export interface Shape {
  readonly name: string
  readonly text: string
  /** Besides the organization, which is $1 on the twin and last nowhere else. */
  values(organization: OrganizationRows, turn: number): readonly unknown[]
  readonly writes?: boolean
}

export interface Variant {
  readonly name: 'plain' | 'partitioned' | 'twin'
  readonly table: string
  readonly companies: string
  readonly byHand: boolean
}

export const variants: readonly Variant[] = [
  { name: 'plain', table: 'public.contacts', companies: 'public.companies', byHand: false },
  { name: 'partitioned', table: 'public.partitioned_contacts', companies: 'public.companies', byHand: false },
  { name: 'twin', table: 'twin.contacts', companies: 'twin.companies', byHand: true },
]

const pick = (from: readonly string[], turn: number): string => from[turn % from.length] as string

export const shapes: readonly Shape[] = [
  {
    name: 'get',
    text: 'select * from {table} c where c.id = $1 {mine c}',
    values: ({ ids }, turn) => [pick(ids, turn)],
  },
  {
    name: 'list',
    text: 'select c.id, c.email, c.first_name, c.last_name from {table} c where true {mine c} order by c.created_at desc limit 50',
    values: () => [],
  },
  {
    name: 'page',
    text: 'select c.id, c.email from {table} c where c.created_at < $1 {mine c} order by c.created_at desc limit 50',
    values: (_, turn) => [new Date(Date.now() - turn * 1_000_000).toISOString()],
  },
  {
    name: 'search',
    text: 'select c.id, c.email from {table} c where c.email >= $1 and c.email < $2 {mine c} order by c.email limit 20',
    values: ({ emails }, turn) => {
      const prefix = pick(emails, turn).slice(0, 9)
      return [prefix, `${prefix}\u{10FFFF}`]
    },
  },
  {
    name: 'search_like',
    text: 'select c.id, c.email from {table} c where c.last_name ilike $1 {mine c} limit 20',
    values: (_, turn) => [`%ast${turn % 5000}`],
  },
  {
    name: 'count',
    text: 'select count(*) from {table} c where true {mine c}',
    values: () => [],
  },
  {
    name: 'join',
    text: `select c.email, p.name from {table} c join {companies} p on p.organization_id = c.organization_id and p.id = c.company_id
      where c.company_id = $1 {mine c} {mine p}`,
    values: ({ companyIds }, turn) => [pick(companyIds, turn)],
  },
  {
    name: 'join_all',
    text: `select p.name, count(*) from {table} c join {companies} p on p.organization_id = c.organization_id and p.id = c.company_id
      where true {mine c} {mine p} group by p.name order by 2 desc limit 20`,
    values: () => [],
  },
  {
    name: 'insert',
    text: `insert into {table} (email, first_name, last_name) values ($1, 'First', 'Last')`,
    values: (_, turn) => [`new${turn}@example.com`],
    writes: true,
  },
  {
    name: 'update',
    text: 'update {table} c set title = $1 where c.id = $2 {mine c}',
    values: ({ ids }, turn) => [`Title ${turn}`, pick(ids, turn)],
    writes: true,
  },
]

export interface Statement {
  readonly name: string
  readonly text: string
  readonly values: (organization: OrganizationRows, turn: number) => unknown[]
}

/** The statement of a shape for a variant; the hand-written organization is its last value. */
export function statementOf(shape: Shape, { name, table, companies, byHand }: Variant): Statement {
  const place = Math.max(0, ...[...shape.text.matchAll(/\$(\d)/g)].map(([, digit]) => Number(digit))) + 1
  const needsIt = byHand && shape.text.includes('{mine')
  return {
    name: `${name}_${shape.name}`,
    text: shape.text
      .replaceAll('{table}', table)
      .replaceAll('{companies}', companies)
      .replaceAll(/\{mine (\w)\}/g, (_, alias: string) => (byHand ? `and ${alias}.organization_id = $${place}` : '')),
    values: (organization, turn) => [
      ...shape.values(organization, turn),
      ...(needsIt ? [organization.organizationId] : []),
    ],
  }
}
