// Salesforce as a connector: accounts, contacts, opportunities, notes, tasks and custom objects, both ways.
// Assembles; every file beside it owns one question.
import type { BudgetUsage, Connector } from '../kit/connector.ts'
import type { HttpAnswer } from '../kit/http.ts'
import { identify, prepare } from './account.ts'
import { deleted } from './deleted.ts'
import { description } from './description.ts'
import { objects, schema } from './discovery.ts'
import { stream } from './events/stream.ts'
import { classify } from './failures.ts'
import { oauth } from './oauth.ts'
import { canonicalField, objectOf } from './objects.ts'
import { pollAll } from './poll-all.ts'
import { find, get, list, poll } from './read.ts'
import { write } from './write.ts'

export const salesforce: Connector = {
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
  pollAll,
  deleted,
  get,
  find,
  write,
  stream,
  // Outbound messages are SOAP and set up by an administrator; whatever arrives was not asked for.
  verifyWebhook: () => ({ ok: false, code: 'webhook_signature_invalid', reason: 'Salesforce sends no webhooks.' }),
  classify,
  usage,
}

/** `Sforce-Limit-Info: api-usage=10018/100000`, calls of the last 24 hours. */
function usage({ headers }: HttpAnswer): readonly BudgetUsage[] {
  const counts = /(?:^|[^-])api-usage=(\d{1,12})\/(\d{1,12})/.exec(headers['sforce-limit-info'] ?? '')
  if (!counts) return []
  return [{ budget: 'default', windowMs: null, used: Number(counts[1]), limit: Number(counts[2]) }]
}
