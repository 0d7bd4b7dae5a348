// What the control plane asks of the sync engine. Structural, so that a server can be built with an
// engine in the same process, in another one, or none.
import type { BodyOf, Conflict, Connection, ConnectionDetail, DeadLetter, Endpoints } from '@rowhouse/contracts'

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

/** Who reads a tenant's data: the database seals the read as them. */
export type Acting = { readonly userId: string } | { readonly operator: string; readonly reason: string }

export interface Sync {
  readonly connections: {
    create(input: BodyOf<Endpoints['createConnection']> & { readonly organizationId: string }): Promise<Connection>
    list(organizationIds: readonly string[]): Promise<readonly Connection[]>
    get(organizationId: string, connectionId: string): Promise<ConnectionDetail>
    pause(organizationId: string, connectionId: string): Promise<Connection>
    resume(organizationId: string, connectionId: string): Promise<Connection>
    test(organizationId: string, connectionId: string): Promise<TestAnswer>
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
