// What the engine may have to do about a failure. Connectors map their API's errors onto these six;
// the engine knows nothing else about them.

export type Failure =
  /** Try the same again; afterMs is the provider's own word where it gave one. `scope: 'account'` closes the account's gate for everyone. */
  | {
      readonly action: 'retry'
      readonly reason: string
      readonly afterMs: number | null
      readonly scope: 'call' | 'account'
    }
  | { readonly action: 'refresh_credentials'; readonly reason: string }
  /** The batch as a whole was refused: halve it until the poison record is alone. */
  | { readonly action: 'split_batch'; readonly reason: string }
  /** This record cannot be written as it is: a visible dead letter. */
  | { readonly action: 'park'; readonly reason: string; readonly code: string }
  /** Nothing of this connection can go on until a person acts. */
  | {
      readonly action: 'pause'
      readonly reason: string
      /** What to do, in the connector's own words. It is shown outside of the organization's home, where nothing of a provider's text may stand; null: there is only that. */
      readonly advice: string | null
    }
  /** The cursor or window is no longer valid: read the object anew. */
  | { readonly action: 'resync'; readonly reason: string }
