// One Salesforce organization in memory: records, fields, cursors, the user, the limits, put together.
// Owns reading a field of a record, system fields included; rules of writing are in records.ts.
import { DailyCount } from '../http/window.ts'
import type { Account } from '../oauth/account.ts'
import type { World } from '../world.ts'
import { Fields } from './fields.ts'
import { userIdOf, userName } from './fixture-user.ts'
import { Cursors } from './cursors.ts'
import { Records, recycleBinMs } from './records.ts'
import type { SalesforceRecord } from './records.ts'
import type { Field, ObjectName } from './schema.ts'
import { formatInstant } from './values.ts'
import type { Value } from './values.ts'

export interface Organization {
  readonly account: Account
  readonly userId: string
  readonly fields: Readonly<Record<ObjectName, Fields>>
  readonly records: Records
  readonly cursors: Cursors
  readonly daily: DailyCount
  /** When each request under way arrived. */
  readonly underWay: Set<{ readonly arrivedAt: number }>
}

export function openOrganization(world: World, account: Account): Organization {
  const { store, now } = world
  const fields = {
    Account: new Fields('Account', account.id, store),
    Contact: new Fields('Contact', account.id, store),
    User: new Fields('User', account.id, store),
  }
  const records = new Records(account.id, store, now, fields)
  const userId = userIdOf(account)
  if (!records.get('User', userId)) records.plant(firstUser(account, userId, now()))
  return { account, userId, fields, records, cursors: new Cursors(world), daily: new DailyCount(), underWay: new Set() }
}

/** The value of a field as queries and answers see it. */
export function readField(record: SalesforceRecord, field: Field): Value {
  switch (field.name) {
    case 'Id':
      return record.id
    case 'IsDeleted':
      return record.deletedAt !== undefined
    case 'CreatedDate':
      return formatInstant(record.createdAt)
    case 'LastModifiedDate':
    case 'SystemModstamp':
      return formatInstant(record.modifiedAt)
    case 'CreatedById':
      return record.createdBy
    case 'LastModifiedById':
      return record.modifiedBy
    case 'Name':
      return record.object === 'Contact' ? fullName(record) : (record.values['Name'] ?? null)
    default:
      return record.values[field.name] ?? (field.type === 'boolean' ? false : null)
  }
}

/** The value of a field that is an instant of the record itself, in milliseconds since the epoch. */
export function readInstant(record: SalesforceRecord, field: Field): number | undefined {
  if (field.name === 'CreatedDate') return record.createdAt
  return field.name === 'LastModifiedDate' || field.name === 'SystemModstamp' ? record.modifiedAt : undefined
}

/** Whether queryAll still shows the record: what left the recycle bin is gone for good. */
export function isKept(record: SalesforceRecord, now: number): boolean {
  return record.deletedAt === undefined || record.deletedAt > now - recycleBinMs
}

function fullName(record: SalesforceRecord): string {
  const { FirstName, LastName } = record.values
  return [FirstName, LastName].filter((part) => typeof part === 'string' && part !== '').join(' ')
}

function firstUser(account: Account, id: string, now: number): SalesforceRecord {
  const values = {
    Username: userName(account),
    Email: userName(account),
    Name: 'Sandbox Admin',
    FirstName: 'Sandbox',
    LastName: 'Admin',
    IsActive: true,
  }
  return { id, object: 'User', values, createdAt: now, modifiedAt: now, createdBy: id, modifiedBy: id }
}
