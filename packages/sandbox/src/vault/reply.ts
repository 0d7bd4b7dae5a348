// How Vault answers: data in an envelope, errors in a list.
export interface VaultReply {
  readonly status: number
  readonly data?: object
  readonly auth?: object
  readonly errors?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  /** Instead of an envelope, as sys/health answers. */
  readonly bare?: object
}

export const found = (data: object): VaultReply => ({ status: 200, data })
/** What is not there has an empty list of errors; so has a path that one may not see. */
export const nothing = (): VaultReply => ({ status: 404, errors: [] })
export const failed = (status: number, ...errors: string[]): VaultReply => ({ status, errors })
export const denied = (): VaultReply => failed(403, '1 error occurred:\n\t* permission denied\n\n')

export function render(reply: VaultReply, requestId: string): string {
  if (reply.bare !== undefined) return JSON.stringify(reply.bare)
  if (reply.status === 204) return ''
  if (reply.errors !== undefined && reply.data === undefined) return JSON.stringify({ errors: reply.errors })
  return JSON.stringify({
    request_id: requestId,
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: reply.data ?? null,
    wrap_info: null,
    warnings: null,
    auth: reply.auth ?? null,
  })
}
