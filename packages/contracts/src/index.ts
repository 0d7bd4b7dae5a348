export { RowhouseError, isRowhouseError } from './error.ts'
export type { RowhouseErrorOptions } from './error.ts'
export { errorCodes } from './error-codes.ts'
export type { ErrorCode } from './error-codes.ts'
