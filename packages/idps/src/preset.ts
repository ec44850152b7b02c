import type { IdpOptions, McpServerOptions } from '@credence/core';

/**
 * What one identity provider requires, as options of `ServicePrincipal`. Each preset returns this shape. A method throws
 * `invalid_configuration` if the documentation of the identity provider does not describe it; the remedy says what it does describe.
 */
export interface IdpPreset<IdpInput, ServerInput> {
  /** The identity provider, for messages. */
  readonly vendor: string;
  /** The issuer of the ID-JAGs or, if the vendor issues none, of the access tokens. */
  readonly issuer: string;
  /** The option `idp` of `ServicePrincipal`: enterprise-managed authorization by this identity provider. */
  idp(options?: IdpInput): IdpOptions;
  /** An entry of the option `servers`: an MCP server whose authorization server is this vendor's. */
  server(options: ServerInput): McpServerOptions;
}
