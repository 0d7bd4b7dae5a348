// How one object of a CRM and one table here are the same. A type of several endpoints.
import { z } from 'zod'

const name = z.string().min(1).max(200)

export const objectMapping = z
  .object({
    object: name,
    /** Protected table, found by the search path. */
    table: name,
    fields: z.array(z.object({ column: name, field: name })).max(500),
    references: z.array(z.object({ column: name, reference: name })).max(50),
    /** Columns by which rows and records are matched before anything is written, in this order. */
    matchBy: z.array(name).max(10),
  })
  .meta({ id: 'ObjectMapping' })
export type ObjectMappingItem = z.infer<typeof objectMapping>

export const mappingChoice = z.array(objectMapping).min(1).max(100)
