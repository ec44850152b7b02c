import type { SandboxTool } from '../servers/sandbox-tool.ts';

/** An MCP server of SDK v1 (`McpServer` or `Server`) or of SDK v2, as far as the sandbox uses it. */
export interface SandboxMcpServer {
  /** Connects the server to a transport of its SDK. */
  connect(transport: never): Promise<void>;
  /** Ends the connection. */
  close(): Promise<void>;
}

/** A verified access token, in the form of both SDKs. `callerOf` of `@credence/resource-server` reads the caller from it. */
export interface SandboxAuthInfo {
  /** The access token. */
  token: string;
  /** The client that the token was issued to. */
  clientId: string;
  /** The scopes of the token. */
  scopes: string[];
  /** When the token expires, in epoch seconds. */
  expiresAt?: number;
  /** The resource identifier that the token is for. */
  resource?: URL;
  /** The caller, and the claims of the token. */
  extra?: Record<string, unknown>;
}

/** What a factory of MCP servers gets. It has the members that SDK v2 gives to a factory. */
export interface SandboxMcpContext {
  /** `modern`: a request of MCP revision 2026-07-28 to a server of SDK v2. `legacy`: everything else. */
  readonly era: 'legacy' | 'modern';
  /** The verified access token of the request that needs the server. */
  readonly authInfo?: SandboxAuthInfo;
}

/** Creates an MCP server: one for each session with SDK v1, and one for each request with SDK v2. */
export type SandboxMcpFactory = (context: SandboxMcpContext) => SandboxMcpServer | Promise<SandboxMcpServer>;

/** A function from a Web Request to a Response, such as the result of `createMcpHandler` of SDK v2. */
export interface SandboxMcpHandler {
  /** Answers one request. The access token has been verified. */
  fetch(request: Request, options: { authInfo: SandboxAuthInfo; parsedBody?: unknown }): Promise<Response>;
  /** Called when the sandbox closes. */
  close?(): Promise<void>;
}

/**
 * An MCP server of your own. Set one of `tools` (a list), `mcpServer`, `module` and `url`. The sandbox listens on a free port, and
 * checks the access token and the scope of the tool before the server gets a request.
 */
export interface SandboxServer<AuthorizationServer extends string = string> {
  /** A factory of MCP servers of SDK v1 or v2, or a handler of SDK v2. It runs in this process. */
  mcpServer?: SandboxMcpFactory | SandboxMcpHandler;
  /**
   * A module whose default export is what `mcpServer` takes: a path, relative to the working directory, or a `file:` URL. Also works
   * with `process: 'child'`.
   */
  module?: string | URL;
  /** The URL of a server that is already running on this machine. Also works with `process: 'child'`. */
  url?: string | URL;
  /**
   * Who checks access tokens in front of a `url`. `sandbox` (default): clients connect to a port of the sandbox, which checks each
   * request and forwards it without the token. `own`: clients connect to `url`, and your server checks the tokens of
   * `sandbox.servers.NAME.issuer`, with `sandbox.servers.NAME.introspection` for example.
   */
  gate?: 'sandbox' | 'own';
  /**
   * Either tools made by `sandboxTool`, which then are the whole server; or the scope that each tool of `mcpServer`, `module` or
   * `url` needs, by name. A tool that is not listed then needs every listed scope. Without it, the sandbox accepts each token for the
   * server, and the server can check scopes itself.
   */
  tools?: readonly SandboxTool[] | Readonly<Record<string, string | readonly string[]>>;
  /** All scopes that can be granted. Default: those of `tools`; `['mcp:use']` if there are none. */
  scopes?: readonly string[];
  /** The scope that a 401 challenge names. Default: the first of `scopes`. */
  challengeScope?: string;
  /** The name of the authorization server that issues tokens for the server. Servers can share one. Default: `main`. */
  authorizationServer?: AuthorizationServer;
  /** The title for people. For a list of `tools` only. */
  title?: string;
  /** Instructions for the model. For a list of `tools` only. */
  instructions?: string;
}

/** Where the requests of a server go. */
export type ServerSource =
  | { readonly kind: 'built-in'; readonly name: 'issues' | 'documents' | 'database' }
  | { readonly kind: 'tools'; readonly tools: readonly SandboxTool[] }
  | { readonly kind: 'mcp-server'; readonly mcpServer: SandboxMcpFactory | SandboxMcpHandler }
  | { readonly kind: 'module'; readonly url: URL }
  | { readonly kind: 'forward'; readonly url: URL }
  | { readonly kind: 'direct'; readonly url: string };

/** A server of the sandbox, checked. */
export interface WorldServer {
  readonly name: string;
  readonly title: string | undefined;
  readonly instructions: string | undefined;
  readonly authorizationServer: string;
  readonly scopes: readonly string[];
  readonly challengeScope: string;
  /** The scopes of each tool. Undefined: the sandbox does not check the scopes of tools. */
  readonly toolScopes: Readonly<Record<string, readonly string[]>> | undefined;
  readonly source: ServerSource;
}
