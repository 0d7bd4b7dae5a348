export type * from './kit/connector.ts'
export type * from './kit/description.ts'
export type * from './kit/failure.ts'
export type * from './kit/http.ts'
