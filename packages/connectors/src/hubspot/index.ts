// HubSpot as a connector: contacts, companies, deals, notes, tasks and custom objects, both ways. Assembles;
// every file beside it owns one question.
import type { Connector } from '../kit/connector.ts'
import { identify, prepare } from './account.ts'
import { deleted } from './deleted.ts'
import { description } from './description.ts'
import { classify } from './failures.ts'
import { objects, schema } from './discovery.ts'
import { history } from './history.ts'
import { oauth } from './oauth.ts'
import { objectOf } from './objects.ts'
import { poll } from './poll.ts'
import { find, get, list } from './read.ts'
import { canonicalField } from './records.ts'
import { usage } from './usage.ts'
import { verifyWebhook } from './webhook.ts'
import { write } from './write.ts'

export const hubspot: Connector = {
  id: description.id,
  describe: () => description,
  canonical: (object, field, value, definition) =>
    canonicalField(objectOf({ object, ...(definition ? { definition } : {}) }), field, value),
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
  history,
  verifyWebhook,
  classify,
  usage,
}
