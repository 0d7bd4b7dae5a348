// The seam between the sync engine and a CRM. A connector is stateless: it turns the engine's few
// questions into the provider's HTTP calls and the provider's answers into values. It must not keep
// state, wait, retry or count: budgets, retries, tracing and timeouts belong to the engine's HTTP
// client, and what to do about a failure is one of six outcomes (see failure.ts).
import type { ConnectorHttp, HttpAnswer } from './http.ts'
import type { Failure } from './failure.ts'
import type { ConnectorDescription } from './description.ts'
import type { FieldHistory } from './history.ts'
import type { ObjectDefinition, RemoteObject, RemoteSchema } from './schema.ts'

/** A field's value in the connector's canonical form: text, or null for empty. Numbers, dates and booleans have one text form each. */
export type FieldValue = string | null

export type FieldValues = Readonly<Record<string, FieldValue>>

/** A record as the CRM holds it. */
export interface RemoteRecord {
  readonly id: string
  /** Only the fields that were asked for, canonical. A write's record has only those that its answer held. */
  readonly fields: FieldValues
  /** Remote ids of parents by reference name, e.g. `{ company: '123' }`; null when there is none; absent when the answer (of a write) did not say. */
  readonly references: Readonly<Record<string, string | null>>
  /** Orders versions of one record; ISO-8601, UTC, milliseconds. */
  readonly modifiedAt: string
  readonly createdAt: string
  readonly deleted: boolean
  /** Other remote ids that were merged into this record. */
  readonly mergedIds?: readonly string[]
  /** Value of the create-token field, where the object has one. */
  readonly createToken?: string | null
  /** Client tag of the last change, where the CRM returns it. */
  readonly changeOrigin?: string | null
}

/** What one question about an object names: its fields and its parents. */
export interface ObjectSelection {
  /** Name of the connector's description, e.g. `contact`, or of a custom object as `objects` gave it. */
  readonly object: string
  readonly fields: readonly string[]
  readonly references: readonly string[]
  /** Of a custom object, of custom fields and of references that the description does not name. @default none of them */
  readonly definition?: ObjectDefinition
}

export interface RecordPage {
  readonly records: readonly RemoteRecord[]
  /** Opaque; null when this was the last page. */
  readonly next: string | null
}

/**
 * Keyset position of a poll: everything strictly after (modifiedAt, id) in the provider's own order of
 * ids. To begin at an instant, or to go back by an overlap, use id ''.
 */
export interface PollPosition {
  readonly modifiedAt: string
  readonly id: string
}

export interface PollPage {
  /** Ordered by (modifiedAt, id). */
  readonly records: readonly RemoteRecord[]
  /** Where the next page begins; equal to the given position when nothing was found. A page may be empty although there is more. */
  readonly position: PollPosition
  readonly more: boolean
}

export interface DeletedPage {
  readonly deleted: readonly { readonly id: string; readonly deletedAt: string }[]
  /** Opaque; the next call goes on from here. */
  readonly cursor: string
  readonly more: boolean
}

/** What one round of polling asks: one page of each. */
export interface PollRound {
  readonly modified: readonly {
    readonly selection: ObjectSelection
    readonly position: PollPosition
    readonly pageSize: number
  }[]
  readonly deleted: readonly { readonly object: string; readonly cursor: string }[]
}

/** The pages of a round, in its order. */
export interface PollRoundPages {
  readonly modified: readonly PollPage[]
  readonly deleted: readonly DeletedPage[]
}

export interface RoundPolling {
  /** Calls that a round costs which asks for the changes and deletions of this many objects. */
  callsOf(objects: number): number
  read(http: ConnectorHttp, round: PollRound): Promise<Answer<PollRoundPages>>
}

export type WriteOperation =
  | {
      readonly kind: 'create'
      /** Names the operation in the result. */
      readonly key: string
      /** Stored in the create-token field where there is one, so that a crash can be resolved by looking it up. */
      readonly createToken: string
      readonly fields: FieldValues
      readonly references: Readonly<Record<string, string | null>>
    }
  | {
      readonly kind: 'update'
      readonly key: string
      readonly id: string
      /** Only the fields that changed. */
      readonly fields: FieldValues
      /** Only the references that changed. */
      readonly references: Readonly<Record<string, string | null>>
      /** For providers with conditional writes. */
      readonly unmodifiedSince?: string
    }
  | { readonly kind: 'delete'; readonly key: string; readonly id: string }

export type WriteResult =
  | { readonly key: string; readonly outcome: 'done'; readonly id: string; readonly record: RemoteRecord | null }
  /** The record that already holds a unique value; the engine matches instead of creating. */
  | { readonly key: string; readonly outcome: 'exists'; readonly id: string | null; readonly reason: string }
  | { readonly key: string; readonly outcome: 'gone'; readonly reason: string }
  | { readonly key: string; readonly outcome: 'changed'; readonly reason: string }
  | { readonly key: string; readonly outcome: 'failed'; readonly failure: Failure }

/** A webhook, verified: records that may have changed. A hint, never data. */
export interface DueRecords {
  readonly object: string
  readonly ids: readonly string[]
  readonly deletedIds: readonly string[]
}

export interface WebhookRequest {
  readonly method: string
  /** Absolute URL as the provider called it. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly rawBody: Uint8Array
}

export type WebhookVerdict =
  | { readonly ok: true; readonly due: readonly DueRecords[] }
  | {
      readonly ok: false
      readonly code: 'webhook_signature_invalid' | 'webhook_expired' | 'validation_failed'
      readonly reason: string
    }

/** One record that may have changed, as a stream tells it. A hint, as a webhook is: the record is read before anything is believed. */
export interface StreamedChange {
  readonly object: string
  readonly id: string
  readonly deleted: boolean
  /** Our own write, by the client tag that the provider returns. */
  readonly own: boolean
}

export interface StreamRead {
  readonly changes: readonly StreamedChange[]
  /** Objects of which more changed than could be told: they have to be read anew. */
  readonly untold: readonly string[]
  /** Where each object's stream has come; only those that told something. Opaque. */
  readonly positions: Readonly<Record<string, string>>
  /** When the last of it was committed, by the provider's clock, epoch milliseconds; null when nothing was told. */
  readonly committedAtMs: number | null
  readonly session: StreamSession
}

/** What the connector has to be given back; nothing in it is the engine's business. */
export type StreamSession = Readonly<Record<string, string>>

export interface OpenedStream {
  readonly session: StreamSession
  /** Objects that cannot be listened to, and why. `resync`: the position is no longer valid. */
  readonly refused: readonly { readonly object: string; readonly failure: Failure }[]
}

/** A provider that tells of changes over a connection that the engine keeps open. */
export interface ChangeStream {
  /** The provider holds an answer back this long at most while nothing happens. */
  readonly holdMs: number
  /** Begins to listen after a position; null: to what happens from now on. */
  open(
    http: ConnectorHttp,
    objects: readonly { readonly object: string; readonly position: string | null }[],
  ): Promise<Answer<OpenedStream>>
  /** Waits for what happens next. A failure ends the session: what follows is another `open`. */
  next(http: ConnectorHttp, session: StreamSession): Promise<Answer<StreamRead>>
  /** Says goodbye; that it was not heard is no failure. */
  close(http: ConnectorHttp, session: StreamSession): Promise<void>
}

/** An answer of a read: the value, or what to do about the failure. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure }

/** How `find` looks: by the create token, or by a unique field of the description. */
export type FindBy =
  | { readonly kind: 'create_token'; readonly values: readonly string[] }
  | { readonly kind: 'field'; readonly field: string; readonly values: readonly string[] }

export interface AccountIdentity {
  /** The provider's id of the account: portal id, organization id. */
  readonly account: string
  readonly name: string | null
}

export interface Credentials {
  readonly accessToken: string
  readonly refreshToken: string | null
  /** Epoch milliseconds by the provider's clock (its Date header); null when it does not say. */
  readonly expiresAtMs: number | null
  /** Base URL of this account's API, where the provider gives one with the token. */
  readonly instanceUrl: string | null
  /** What was granted, where the answer says it. */
  readonly scopes: readonly string[] | null
}

export interface OAuthApp {
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
}

export interface ConnectorOAuth {
  /** What a consent is asked for. */
  readonly scopes: readonly string[]
  /** Those of them without which nothing can be synced. */
  readonly requiredScopes: readonly string[]
  authorizeUrl(
    app: OAuthApp,
    request: { readonly state: string; readonly codeChallenge: string; readonly scopes?: readonly string[] },
    baseUrl: string,
  ): string
  /**
   * Base URL of the account that the person chose, from what the provider put into the address it sent the browser
   * back to; for providers whose accounts have domains of their own. The values are the browser's: an address that
   * is not the provider's must not come of them.
   */
  accountUrl?(parameters: Readonly<Record<string, string>>, baseUrl: string): string
  exchange(
    http: ConnectorHttp,
    app: OAuthApp,
    grant: { readonly code: string; readonly codeVerifier: string },
  ): Promise<Answer<Credentials>>
  /** `pause` means the grant is dead, or was rotated by someone else: read the stored credentials again before believing it. */
  refresh(http: ConnectorHttp, app: OAuthApp, credentials: Credentials): Promise<Answer<Credentials>>
  revoke(http: ConnectorHttp, app: OAuthApp, credentials: Credentials): Promise<Answer<null>>
}

/** The provider's own count: of a window, or of the day when windowMs is null. */
export interface BudgetUsage {
  readonly budget: string
  readonly windowMs: number | null
  readonly used: number
  readonly limit: number
}

export interface Connector {
  readonly id: string
  describe(): ConnectorDescription
  /** The one form in which values of a field are compared, matched, kept as base and sent: '' is null, an e-mail is lower case. Pure. */
  canonical(object: string, field: string, value: FieldValue, definition?: ObjectDefinition): FieldValue
  readonly oauth: ConnectorOAuth
  identify(http: ConnectorHttp): Promise<Answer<AccountIdentity>>
  /** What can be synced in this account: the description's objects and the account's custom ones. */
  objects(http: ConnectorHttp): Promise<Answer<readonly RemoteObject[]>>
  /** One of them with its fields, custom ones included, and its references; null when the account has no such object, or the grant may not read it. */
  schema(http: ConnectorHttp, object: string): Promise<Answer<RemoteSchema | null>>
  /** Makes what the engine needs at the provider and is not there yet: the create-token field. Idempotent. */
  prepare(http: ConnectorHttp, objects: readonly string[]): Promise<Answer<null>>
  /** All records, in pages, for the backfill. */
  list(
    http: ConnectorHttp,
    selection: ObjectSelection,
    cursor: string | null,
    pageSize: number,
  ): Promise<Answer<RecordPage>>
  /** Records modified after a position. At the object's pageSizeMax, pages are as large as the provider's endpoint allows. */
  poll(
    http: ConnectorHttp,
    selection: ObjectSelection,
    position: PollPosition,
    pageSize: number,
  ): Promise<Answer<PollPage>>
  /** Records deleted after a cursor; null begins now. At least once: an overlap is reported again. */
  deleted(http: ConnectorHttp, object: string, cursor: string | null): Promise<Answer<DeletedPage>>
  /** For providers that answer several questions with one call: a round of `poll` and `deleted`, with the same meaning. */
  readonly pollAll?: RoundPolling
  /** Any number of ids, read in batches. Unknown and deleted ids are absent; the id of a merged record gives its winner. */
  get(http: ConnectorHttp, selection: ObjectSelection, ids: readonly string[]): Promise<Answer<readonly RemoteRecord[]>>
  /** Finds records by the create token or by a unique field's value. */
  find(http: ConnectorHttp, selection: ObjectSelection, by: FindBy): Promise<Answer<readonly RemoteRecord[]>>
  /** One batch of one kind of operation; at most the description's batch size. One result per operation, in order. */
  write(
    http: ConnectorHttp,
    selection: ObjectSelection,
    operations: readonly WriteOperation[],
  ): Promise<Answer<readonly WriteResult[]>>
  /** For providers that keep what a field held before; where there are no conditional writes, nothing else tells what a write went over. */
  readonly history?: FieldHistory
  /** For providers that tell of changes as they happen; polling goes on beside it, and makes up for what it leaves out. */
  readonly stream?: ChangeStream
  verifyWebhook(request: WebhookRequest, secret: string, account: string, nowMs: number): WebhookVerdict
  /** Maps a raw answer onto one of the six outcomes; null when the answer is a success. */
  classify(answer: HttpAnswer): Failure | null
  /** What an answer's headers say of the account's budgets, for correcting our own count; empty when they say nothing. */
  usage(answer: HttpAnswer): readonly BudgetUsage[]
}
