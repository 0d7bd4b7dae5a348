// Which errors mean that others were in the way, and will not be for long.
import { DatabaseError } from 'pg'

/** Lock timeout, statement timeout, deadlock. */
const inTheWay = new Set(['55P03', '57014', '40P01'])

export const isInTheWay = (error: unknown): boolean => error instanceof DatabaseError && inTheWay.has(error.code ?? '')
