import type { KeyObject } from 'node:crypto';
import type { Clock } from '@credence/core';
import type { CryptoKey, JWK } from 'jose';
import type { AnswerEdit, FakeAnswer } from '../answers/answer.ts';
import type { RequestFilter } from './leg.ts';

/** A key of a client: PEM, JWK, KeyObject or CryptoKey. */
export type FakeKey = string | JWK | KeyObject | CryptoKey;

/** The registration of a principal at an issuer. Without `secret` and `key` of your own, the fake makes a credential. */
export interface FakeClient {
  /** The client id. Default: the name of the principal. */
  readonly clientId?: string | undefined;
  /** The secret with which the client authenticates (Basic or in the body). */
  readonly secret?: string | undefined;
  /** The key with which the client authenticates (`private_key_jwt`): its public key, or its private key, which `options()` needs. */
  readonly key?: FakeKey | undefined;
  /** Whether the client authenticates with nothing. Default false. */
  readonly isPublic?: boolean | undefined;
}

/** A service principal of the fake. Its own members are its registration at the IdP. */
export interface FakePrincipal extends FakeClient {
  /** The scopes that the IdP grants, by the name of the server. A server that is missing is refused. Default: every scope of every server. */
  readonly grants?: Readonly<Record<string, readonly string[]>> | undefined;
  /** The registrations at the authorization servers, by the name of the server. Default: the fake makes them. */
  readonly clients?: Readonly<Record<string, FakeClient>> | undefined;
}

/** Who called an MCP server of the fake. */
export interface FakeCaller {
  /** The name of the principal. */
  readonly principal: string;
  /** The subject of the ID-JAG: the client id of the principal at the IdP, or a user. */
  readonly subject: string;
  /** The scopes of the access token. */
  readonly scopes: readonly string[];
  /** The claim `act` of the ID-JAG, if the request of the exchange had an actor token. */
  readonly actor?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * What a tool does. A text that it returns becomes the text of the result; an object with `content` is the result; any other value
 * becomes JSON. An error that it throws becomes a result with `isError`.
 */
export type FakeToolHandler = (args: Readonly<Record<string, unknown>>, caller: FakeCaller) => unknown;

/** A tool of a fake MCP server. */
export interface FakeTool {
  /** What the tool does. */
  readonly handler: FakeToolHandler;
  /** The description for the model. Default: none. */
  readonly description?: string | undefined;
  /** The JSON schema of the arguments. Arguments are not checked against it. Default: an object with any members. */
  readonly inputSchema?: Readonly<Record<string, unknown>> | undefined;
  /** The scopes that a call needs; without them it is answered with 403 `insufficient_scope`. Default: none. */
  readonly scopes?: readonly string[] | undefined;
}

/** An MCP server of the fake, and its authorization server. */
export interface FakeServer {
  /** The URL. Default: `https://NAME.mcp.example/mcp`. */
  readonly url?: string | undefined;
  /** The issuer of its authorization server. Several servers may have the same. Default: `https://NAME.as.example`. */
  readonly issuer?: string | undefined;
  /** The token endpoint of the authorization server. Default: `ISSUER/token`. */
  readonly tokenEndpoint?: string | undefined;
  /** The resource identifier (RFC 9728). Default: the URL. */
  readonly resource?: string | undefined;
  /** The value of `audience` with which the IdP knows the authorization server. Default: the issuer. */
  readonly audience?: string | undefined;
  /** The scopes. Default: those of the tools, or `NAME:use` if they have none. */
  readonly scopes?: readonly string[] | undefined;
  /** The tools, which the fake serves over Streamable HTTP. */
  readonly tools?: Readonly<Record<string, FakeTool | FakeToolHandler>> | undefined;
  /** A server of your own in place of `tools`. It gets requests with a valid access token only. */
  readonly handler?: ((request: Request, caller: FakeCaller) => Response | Promise<Response>) | undefined;
  /** Whether an ID-JAG can be redeemed once only. Servers with the same issuer share this. Default false. */
  readonly singleUse?: boolean | undefined;
  /** Whether access tokens must be bound to a DPoP key. Default false. */
  readonly requireDpop?: boolean | undefined;
}

/** A refusal that stands until it is lifted. */
export interface StandingRefusal extends RequestFilter {
  /** The OAuth error or the whole answer. Default: the usual refusal of the leg, for the exchange `access_denied`. */
  readonly answer?: string | FakeAnswer | AnswerEdit | undefined;
}

/** After how many tool calls each access token of a server is revoked. */
export interface RevokeRule {
  /** The number of tool calls that the server answers with a token before it refuses the token. */
  readonly afterCalls: number;
}

/** The lifetimes of tokens, in seconds. */
export interface FakeLifetimes {
  /** Access tokens. Default 300. */
  readonly accessTokenSeconds?: number | undefined;
  /** ID-JAGs, at most 3600. Default 300. */
  readonly idJagSeconds?: number | undefined;
  /** The principal's own token, which the IdP exchanges. Default 3600. */
  readonly subjectTokenSeconds?: number | undefined;
}

/** Options of `fakeIdp`. */
export interface FakeIdpOptions {
  /** The issuer of the IdP. Default: `https://idp.example`. */
  readonly issuer?: string | undefined;
  /** The token endpoint of the IdP. Default: `ISSUER/token`. */
  readonly tokenEndpoint?: string | undefined;
  /** The MCP servers, by the names that the principal uses. */
  readonly servers: Readonly<Record<string, FakeServer>>;
  /** The principals by name. */
  readonly principals: Readonly<Record<string, FakePrincipal>>;
  /** Refusals that stand from the start, or one of them. The default leg is `exchange`. */
  readonly refuse?: StandingRefusal | readonly StandingRefusal[] | undefined;
  /** By server, after how many tool calls each of its access tokens is revoked. */
  readonly revoke?: Readonly<Record<string, RevokeRule>> | undefined;
  /** When tokens expire. */
  readonly expire?: FakeLifetimes | undefined;
  /** The clock. Give the principal the same, if it has one of its own. Default: the clock of the system, moved by `clock.advance`. */
  readonly clock?: Clock | undefined;
}
