// What the control plane asks of the sync engine. Structural, so that a server can be built with an
// engine in the same process, in another one, or none.
import type {
  BodyOf,
  Conflict,
  Connection,
  ConnectionDetail,
  ConnectorApp,
  DeadLetter,
  Endpoints,
  ObjectMappingItem,
  RemoteObjectItem,
  RemoteSchemaItem,
  ResponseOf,
  RowhouseError,
} from '@rowhouse/contracts'

export interface WebhookCall {
  readonly method: string
  /** Absolute, as the provider signed it. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly rawBody: Uint8Array
}

export type WebhookAnswer =
  | { readonly ok: true }
  | {
      readonly ok: false
      readonly code: 'webhook_signature_invalid' | 'webhook_expired' | 'validation_failed' | 'connection_not_found'
      readonly reason: string
    }

export interface TestAnswer {
  readonly ok: true
  readonly account: string
  readonly accountName: string | null
  readonly durationMs: number
}

export type AuthorizeOutcome =
  | { readonly ok: true; readonly returnTo: string; readonly connection: Connection }
  | { readonly ok: false; readonly returnTo: string; readonly error: RowhouseError }

/** Who reads a tenant's data: the database seals the read as them. */
export type Acting = { readonly userId: string } | { readonly operator: string; readonly reason: string }

export interface Sync {
  readonly connections: {
    create(input: BodyOf<Endpoints['createConnection']> & { readonly organizationId: string }): Promise<Connection>
    list(organizationIds: readonly string[]): Promise<readonly Connection[]>
    get(organizationId: string, connectionId: string): Promise<ConnectionDetail>
    pause(organizationId: string, connectionId: string): Promise<Connection>
    resume(organizationId: string, connectionId: string): Promise<Connection>
    resync(organizationId: string, connectionId: string): Promise<Connection>
    test(organizationId: string, connectionId: string): Promise<TestAnswer>
    remove(organizationId: string, connectionId: string): Promise<void>
  }
  readonly mappings: {
    objects(organizationId: string, connectionId: string): Promise<readonly RemoteObjectItem[]>
    schema(organizationId: string, connectionId: string, object: string): Promise<RemoteSchemaItem>
    get(
      organizationId: string,
      connectionId: string,
    ): Promise<{ readonly version: number; readonly objects: ObjectMappingItem[] }>
    columns(
      organizationId: string,
      connectionId: string,
      table: string,
    ): Promise<ResponseOf<Endpoints['listMappingColumns']>['items']>
    set(
      organizationId: string,
      connectionId: string,
      objects: readonly ObjectMappingItem[],
      version?: number,
    ): Promise<Connection>
  }
  readonly apps: {
    list(): Promise<readonly ConnectorApp[]>
    set(
      connector: string,
      app: {
        readonly clientId: string
        readonly clientSecret: string
        readonly scopes: readonly string[]
        readonly baseUrl: string | null
      },
    ): Promise<ConnectorApp>
    remove(connector: string): Promise<boolean>
  }
  readonly authorize: {
    begin(input: {
      readonly organizationId: string
      readonly connector: string
      readonly connectionId: string | null
      readonly userId: string | null
      readonly baseUrl: string | null
      readonly returnTo: string
    }): Promise<{ readonly ticket: string; readonly expiresAt: string }>
    start(
      connector: string,
      ticket: string,
      userId: string | null,
      redirectUri: string,
    ): Promise<{ readonly url: string; readonly state: string }>
    finish(
      connector: string,
      answer: {
        readonly state: string
        readonly code: string | null
        readonly error: string | null
        readonly parameters: Readonly<Record<string, string>>
      },
      userId: string | null,
      redirectUri: string,
      admit: (request: {
        readonly organizationId: string
        readonly connectionId: string | null
      }) => Promise<(outcome: string) => Promise<void>>,
    ): Promise<AuthorizeOutcome>
  }
  readonly webhooks: {
    receive(connectorId: string, connectionId: string, call: WebhookCall): Promise<WebhookAnswer>
  }
  readonly deadLetters: {
    list(organizationId: string, acting: Acting): Promise<readonly DeadLetter[]>
    replay(organizationId: string, deadLetterId: string): Promise<void>
  }
  readonly conflicts: { list(organizationId: string, acting: Acting): Promise<readonly Conflict[]> }
  readonly worker: { start(): void; stop(): Promise<void> }
  readonly events: {
    /** Connections whose state or health changed, in any process. Returns the way to stop. */
    subscribe(listener: (connection: ConnectionDetail) => void): () => void
  }
  close(): Promise<void>
}
