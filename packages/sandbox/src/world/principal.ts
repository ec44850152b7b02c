import type { JWK } from 'jose';

/**
 * A service principal of your own. It has two clients at the IdP, one that signs with a key and one with a secret, and a client with
 * a secret at each authorization server.
 */
export interface SandboxPrincipal {
  /**
   * The client that has the name of the principal as client id, and that `env` configures. Default: `private-key`; `secret` if only
   * `secret` is set.
   */
  credential?: 'private-key' | 'secret';
  /** The private key (RSA, P-256 or Ed25519), as PEM or JWK. Default: a new P-256 key. */
  privateKey?: string | JWK;
  /** The `kid` of the key. Default: that of the JWK, or the thumbprint of the key. */
  keyId?: string;
  /** The client secret at the IdP. Default: a random one. */
  secret?: string;
  /** Whether the IdP refuses the principal until `policy.enablePrincipal`. Default: false. */
  disabled?: boolean;
}

/** A principal of the sandbox, checked. */
export interface WorldPrincipal extends SandboxPrincipal {
  readonly name: string;
  readonly credential: 'private-key' | 'secret';
  readonly disabled: boolean;
}
