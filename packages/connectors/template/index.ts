// Template as a connector. Assembles; every file beside it owns one question.
import { canonical } from '../src/kit/canonical.ts'
import type { Connector } from '../src/kit/connector.ts'
import { identify, objects, prepare, schema } from './account.ts'
import { description, objects as described } from './description.ts'
import { classify } from './failures.ts'
import { oauth } from './oauth.ts'
import { deleted, find, get, list, poll } from './read.ts'
import { write } from './write.ts'

export const template: Connector = {
  id: description.id,
  describe: () => description,
  canonical: (object, field, value, definition) =>
    canonical(described.find(({ name }) => name === object)?.kinds[field] ?? definition?.kinds[field] ?? 'text', value),
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
  verifyWebhook: () => ({ ok: false, code: 'webhook_signature_invalid', reason: 'Template sends no webhooks.' }),
  classify,
  usage: () => [],
}
