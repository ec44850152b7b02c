/** `_meta` of a tool with the scopes that it needs. */
export interface ToolScopeMeta {
  /** `_meta` can have other members. */
  readonly [member: string]: unknown;
  /** One way to call the tool: with an access token that has all of these scopes. */
  readonly securitySchemes: readonly { readonly type: 'oauth2'; readonly scopes: readonly string[] }[];
}

/**
 * Says in the list of tools which scopes a tool needs, so that clients can hide the tools that they cannot use. The MCP specification has no
 * member for that; `securitySchemes` in `_meta` is what several clients and servers use. It protects nothing: use `toolScopes` too.
 *
 * @example
 * <!-- from examples/mcp-server-express.ts#tool-scope-meta -->
 * ```ts
 * const closeAll = { description: 'Closes every issue', _meta: { ...toolScopeMeta(['issues:write']) } };
 * ```
 */
export function toolScopeMeta(scopes: readonly string[]): ToolScopeMeta {
  return { securitySchemes: [{ type: 'oauth2', scopes: [...scopes] }] };
}
