// NetSuite as a connector: customers, contacts, sales orders with their lines, custom records, both ways.
// Assembles; every file beside it owns one question.
import type { Connector } from '../kit/connector.ts'
import { identify, prepare } from './account.ts'
import { deleted } from './deleted.ts'
import { description } from './description.ts'
import { classify } from './failures.ts'
import { oauth } from './oauth.ts'
import { canonicalField, objectNamed } from './objects.ts'
import { poll } from './poll.ts'
import { find, get, list } from './read.ts'
import { objects, schema } from './schema.ts'
import { write } from './write.ts'

export const netsuite: Connector = {
  id: description.id,
  describe: () => description,
  canonical: (object, field, value, definition) => canonicalField(objectNamed(object), field, value, definition),
  oauth,
  identify,
  objects,
  schema,
  prepare,
  list,
  poll,
  deleted,
  get,
  find,
  write,
  verifyWebhook: () => ({ ok: false, code: 'webhook_signature_invalid', reason: 'NetSuite sends no webhooks.' }),
  classify,
  // Nothing in an answer says how many requests are under way.
  usage: () => [],
}
