// What a home is called on its server: opaque, so that nobody reads who lives there, and two organizations with alike names
// never meet. A name is 18 or 27 bytes, far from the 63 at which Postgres cuts.
import type { HomeLogin } from '@rowhouse/database'

export interface HomeNames {
  /** Of its schema in the schema model, of its database in the database model: `h_<16 hex digits>`. */
  readonly place: string
  /** `rowhouse_h_<the same 16 hex digits>` */
  readonly login: HomeLogin
}

/** @param id of the home, a uuid */
export function homeNames(id: string): HomeNames {
  const digits = id.replaceAll('-', '').slice(0, 16).toLowerCase()
  return { place: `h_${digits}`, login: `rowhouse_h_${digits}` }
}
