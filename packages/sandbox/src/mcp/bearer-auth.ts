import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import type { OAuthTokenVerifier } from '@modelcontextprotocol/sdk/server/auth/provider.js';
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import type { NextFunction, Request, Response } from 'express';

export type AuthenticatedRequest = Request & { auth?: AuthInfo };

export interface BearerAuthOptions {
  verifier: OAuthTokenVerifier;
  /** What a client without a token is told to ask for. Not demanded: a token with any of the server's scopes gets in. */
  challengeScope: string;
  resourceMetadataUrl: string;
}

/**
 * Lets requests with a valid access token through, as `auth` on the request.
 *
 * It stands where the SDK's `requireBearerAuth` would: that one can name a scope in its 401 challenge only by demanding it of
 * every request, and a token for `issues:write` alone must be good for the tools that need no more. A request without a token
 * gets a challenge without an error code (RFC 6750 section 3.1).
 */
export function bearerAuth(options: BearerAuthOptions) {
  const parameters = `scope="${options.challengeScope}", resource_metadata="${options.resourceMetadataUrl}"`;
  return async (request: AuthenticatedRequest, response: Response, next: NextFunction): Promise<void> => {
    const token = /^Bearer +([\w.~+/-]+=*)$/iu.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) {
      response.status(401).set('WWW-Authenticate', `Bearer ${parameters}`).json({ error: 'unauthorized' });
      return;
    }
    try {
      request.auth = await options.verifier.verifyAccessToken(token);
    } catch (error) {
      if (!(error instanceof InvalidTokenError)) {
        // The authorization server cannot be asked: the token may be good, and its owner should keep it.
        response.status(503).json({ error: 'temporarily_unavailable' });
        return;
      }
      const description = error.message.replaceAll(/["\\]/gu, "'");
      response
        .status(401)
        .set('WWW-Authenticate', `Bearer error="invalid_token", error_description="${description}", ${parameters}`)
        .json(error.toResponseObject());
      return;
    }
    next();
  };
}
