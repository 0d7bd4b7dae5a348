// One NetSuite company: schema, records, jobs, requests under way, put together. Owns reading a field of
// a record, the derived ones included; rules of writing are in records.ts.
import type { Account } from '../oauth/account.ts'
import type { World } from '../world.ts'
import { Jobs } from './jobs.ts'
import { Records } from './records.ts'
import type { NetsuiteRecord } from './records.ts'
import type { Field } from './record-types.ts'
import { Schema } from './schema.ts'
import { formatInstant } from './values.ts'
import type { Value } from './values.ts'
import { Zone } from './zone.ts'

export interface Company {
  readonly account: Account
  readonly schema: Schema
  readonly records: Records
  readonly jobs: Jobs
  readonly zone: Zone
  /** Requests under way, for the limit of how many there may be at once. */
  readonly underWay: Set<object>
}

export function openCompany(world: World, account: Account): Company {
  const schema = new Schema(account.id, world.store)
  return {
    account,
    schema,
    records: new Records(account.id, world.store, world.now, schema),
    jobs: new Jobs(account.id, world.store, world.now, account.limits.asyncJobMs),
    zone: new Zone(account.limits.timeZone),
    underWay: new Set(),
  }
}

const createdFields = new Set(['dateCreated', 'createdDate', 'created'])
const modifiedFields = new Set(['lastModifiedDate', 'lastModified'])

/** The value of a field as kept, derived ones included: ids for references, UTC for instants. */
export function readField(record: NetsuiteRecord, field: Field): Value {
  if (field.name === 'id') return record.id
  if (createdFields.has(field.name)) return formatInstant(record.createdAt)
  if (modifiedFields.has(field.name)) return formatInstant(record.modifiedAt)
  return record.values[field.name] ?? (field.type === 'boolean' ? false : null)
}

/** The instant a field is, in milliseconds since the epoch: for those of the record itself, without parsing. */
export function readInstant(record: NetsuiteRecord, field: Field): number | undefined {
  if (createdFields.has(field.name)) return record.createdAt
  return modifiedFields.has(field.name) ? record.modifiedAt : undefined
}
