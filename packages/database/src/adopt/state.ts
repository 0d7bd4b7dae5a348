// The plan and its progress in rowhouse.adoptions and rowhouse.adoption_steps: all that a run knows of an earlier one.
import type { ClientBase } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import type { AdoptOptions } from './options.ts'
import type { Plan } from './plan.ts'
import type { Step } from './step.ts'

export type AdoptionState = 'running' | 'switching' | 'done' | 'undone'

export interface Adoption {
  readonly id: string
  readonly tables: readonly string[]
  readonly tableIds: readonly number[]
  readonly options: AdoptOptions
  readonly state: AdoptionState
}

export interface StoredStep extends Step {
  readonly position: number
  readonly pass: number
  readonly block: number
  readonly rowsDone: number
  readonly wasStarted: boolean
  readonly isFinished: boolean
  readonly isUndone: boolean
}

/** The adoption under way of any of the tables, or null. @throws RowhouseError adopt_options_differ when it is of others too */
export async function findAdoption(client: ClientBase, oids: readonly number[]): Promise<Adoption | null> {
  const { rows } = await client.query<{
    id: string
    tables: string[]
    tableIds: string[]
    options: AdoptOptions
    state: AdoptionState
  }>(
    `select distinct a.id, a.tables, a.table_ids::bigint[]::text[] as "tableIds", a.options, a.state
     from unnest($1::bigint[]) t join rowhouse.adoptions a on a.id = rowhouse.running_adoption(t::oid)`,
    [oids],
  )
  const found = rows.map((row) => ({ ...row, tableIds: row.tableIds.map(Number) }))
  const [adoption] = found
  if (adoption === undefined) return null
  const whole =
    found.length === 1 &&
    adoption.tableIds.every((oid) => oids.includes(oid)) &&
    oids.length === adoption.tableIds.length
  if (whole) return adoption
  const tables = found.flatMap((one) => one.tables)
  throw new RowhouseError('adopt_options_differ', `An adoption of ${tables.join(', ')} is under way.`, {
    hint: `Name the same tables: rowhouse adopt ${adoption.tables.map((table) => `'${table}'`).join(' ')}`,
  })
}

export async function storePlan(client: ClientBase, plan: Plan, options: AdoptOptions): Promise<Adoption> {
  const { rows } = await client.query<{ id: string }>(
    `with adoption as (
       insert into rowhouse.adoptions (tables, table_ids, options)
       values ($1, $2::bigint[]::oid[], $3) returning id
     ), steps as (
       insert into rowhouse.adoption_steps (adoption_id, position, table_name, name, step)
       select a.id, s.position, s.step ->> 'table', s.step ->> 'name', s.step
       from adoption a, jsonb_array_elements($4::jsonb) with ordinality as s (step, position)
     )
     select id from adoption`,
    [
      plan.tables.map(({ qualified }) => qualified),
      plan.tables.map(({ oid }) => oid),
      JSON.stringify({ ...options, saved: savedPolicies(plan) }),
      JSON.stringify(plan.steps),
    ],
  )
  return {
    id: (rows[0] as { id: string }).id,
    tables: plan.tables.map(({ qualified }) => qualified),
    tableIds: plan.tables.map(({ oid }) => oid),
    options,
    state: 'running',
  }
}

/** Policies of hand that the last step drops, as statements that make them again. */
export const savedPolicies = (plan: Plan): string[] =>
  plan.tables.flatMap(({ policies }) => policies.map(({ definition }) => definition))

export async function readSteps(client: ClientBase, adoption: Adoption): Promise<StoredStep[]> {
  const { rows } = await client.query<{ step: Step } & Omit<StoredStep, keyof Step>>(
    `select step, position, pass, block::float8 as block, rows_done::float8 as "rowsDone",
       started_at is not null as "wasStarted", finished_at is not null as "isFinished", undone_at is not null as "isUndone"
     from rowhouse.adoption_steps where adoption_id = $1 order by position`,
    [adoption.id],
  )
  return rows.map(({ step, ...progress }) => ({ ...step, ...progress }))
}

/** The statement that records a step, to run in the same transaction as what it records. */
export const recordStep = (
  adoption: Adoption,
  step: StoredStep,
  column: 'started_at' | 'finished_at' | 'undone_at',
): string =>
  `update rowhouse.adoption_steps set ${column} = clock_timestamp() where adoption_id = ${Number(adoption.id)} and position = ${step.position}`

export const recordState = (adoption: Adoption, state: AdoptionState): string =>
  `update rowhouse.adoptions set state = '${state}'${state === 'done' || state === 'undone' ? ', finished_at = clock_timestamp()' : ''} where id = ${Number(adoption.id)}`
