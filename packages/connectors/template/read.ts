// Reads: all records, records by id or by value, what changed and what was deleted. Walk by a keyset where there is
// one: an offset passes over records while others are deleted.
import type { Connector } from '../src/kit/connector.ts'
import { unfilled } from './unfilled.ts'

export const list: Connector['list'] = () =>
  unfilled('read.ts, list', 'all records in pages; a cursor that is not yours asks for a resync')

export const poll: Connector['poll'] = () =>
  unfilled('read.ts, poll', 'records after (modifiedAt, id); more than a page may share one timestamp')

export const deleted: Connector['deleted'] = () =>
  unfilled('read.ts, deleted', 'ids that were deleted after a cursor; null begins now')

export const get: Connector['get'] = () =>
  unfilled('read.ts, get', 'any number of ids, in batches; what is deleted is left out')

export const find: Connector['find'] = () =>
  unfilled('read.ts, find', 'records by the create token or by a unique field, however it is written')
