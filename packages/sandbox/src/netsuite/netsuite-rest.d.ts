// The client has no types of its own: what the tests use of it.
declare module 'netsuite-rest' {
  export default class NetsuiteRest {
    constructor(options: Record<string, string>)
    getAuthorizationHeader(options: { url: string; method: string }): Record<string, string>
    request(options: {
      path: string
      method?: string
      body?: string
      heads?: Record<string, string>
    }): Promise<{ statusCode: number; headers: Record<string, string>; data: unknown }>
  }
}
