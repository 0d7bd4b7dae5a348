// The account behind the credentials: whose it is, what it has, and what has to be made in it. Must not write records.
import type { Connector } from '../src/kit/connector.ts'
import { unfilled } from './unfilled.ts'

export const identify: Connector['identify'] = () =>
  unfilled('account.ts, identify', "the provider's id of the account that the token is of")

export const objects: Connector['objects'] = () =>
  unfilled('account.ts, objects', "the description's objects, and the custom ones of the account")

export const schema: Connector['schema'] = () =>
  unfilled(
    'account.ts, schema',
    'fields with their kinds, custom ones included, and references; null for no such object',
  )

export const prepare: Connector['prepare'] = () =>
  unfilled('account.ts, prepare', 'make the field of the create token where it is missing; any number of times')
