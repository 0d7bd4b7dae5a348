// Reading a field of a record, system fields and derived ones included. Must not change anything.
import type { Field } from './objects.ts'
import { recycleBinMs } from './records.ts'
import type { SalesforceRecord } from './records.ts'
import { formatInstant } from './values.ts'
import type { Value } from './values.ts'

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
    case 'IsClosed':
      return record.object === 'Task'
        ? record.values['Status'] === 'Completed'
        : isStage(record, 'Closed Won', 'Closed Lost')
    case 'IsWon':
      return isStage(record, 'Closed Won')
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

function isStage(record: SalesforceRecord, ...stages: readonly string[]): boolean {
  return stages.some((stage) => stage === record.values['StageName'])
}

function fullName(record: SalesforceRecord): string {
  const { FirstName, LastName } = record.values
  return [FirstName, LastName].filter((part) => typeof part === 'string' && part !== '').join(' ')
}
