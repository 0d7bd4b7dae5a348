// One Salesforce organization in memory: records, fields, cursors, the user, the limits, put together.
// Owns reading a field of a record, system fields included; rules of writing are in records.ts.
import { DailyCount } from '../http/window.ts'
import type { Account } from '../oauth/account.ts'
import type { World } from '../world.ts'
import { userIdOf, userName } from './fixture-user.ts'
import { Jobs } from './bulk/jobs.ts'
import { Cursors } from './cursors.ts'
import { ChangeEvents } from './events/change-events.ts'
import { Records } from './records.ts'
import type { SalesforceRecord } from './records.ts'
import { Schema } from './schema.ts'

export interface Organization {
  readonly account: Account
  readonly userId: string
  readonly schema: Schema
  readonly records: Records
  readonly changeEvents: ChangeEvents
  readonly jobs: Jobs
  readonly cursors: Cursors
  readonly daily: DailyCount
  /** When each request under way arrived. */
  readonly underWay: Set<{ readonly arrivedAt: number }>
}

export function openOrganization(world: World, account: Account): Organization {
  const { store, now } = world
  const schema = new Schema(account.id, store)
  const changeEvents = new ChangeEvents(world, account.id, schema)
  const records = new Records(account.id, store, now, {
    schema,
    changed: (change) => changeEvents.publish(change),
    isLocked: () => world.chaos.isRowLocked(account.id),
    refuseDuplicates: account.limits.refuseDuplicates,
  })
  const userId = userIdOf(account)
  if (!records.get('User', userId)) records.plant(firstUser(account, userId, now()))
  return {
    account,
    userId,
    schema,
    records,
    changeEvents,
    jobs: new Jobs(account.id, store),
    cursors: new Cursors(world),
    daily: new DailyCount(),
    underWay: new Set(),
  }
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
