import {
  clientAssertion,
  type ClientAssertionOptions,
  type ClientCredential,
  clientSecret,
  type ClientSecretOptions,
  privateKeyJwt,
  type PrivateKeyJwtOptions,
  type SigningAlgorithm,
} from '@credence/core';
import { isSigningAlgorithm } from '@credence/protocol';
import { z } from 'zod';
import { invalid } from './errors.ts';
import { isAssertionSource, text } from './options.ts';

/** The registration of the bot at the vendor, with a key or a secret. Set exactly one of them. */
export interface PresetClient {
  /** The client id, as the vendor shows it. */
  clientId: string;
  /** The private key whose public half is registered, as `privateKeyJwt` takes it. */
  key?: PrivateKeyJwtOptions['key'] | undefined;
  /** The algorithm of the key. Required for a function that signs. Default: that of the key, as for `privateKeyJwt`. */
  alg?: SigningAlgorithm | undefined;
  /** The `kid` of the key, if the vendor has assigned one. Default: that of a JWK. */
  kid?: string | undefined;
  /** The secret, a file or a function that returns it, as `clientSecret` takes it. */
  secret?: ClientSecretOptions['secret'] | undefined;
}

/** A registration for which the vendor also accepts the token of a platform as client assertion. */
export interface FederatedPresetClient extends PresetClient {
  /** A platform of `@credence/platforms`, a file or a function with the token of the platform. Then no secret is stored. */
  assertion?: ClientAssertionOptions['assertion'] | undefined;
}

export const clientShape = {
  clientId: text,
  key: z.custom<NonNullable<PresetClient['key']>>((value) => value !== null && value !== '').optional(),
  alg: z.custom<SigningAlgorithm>(isSigningAlgorithm, 'is not a signing algorithm, such as ES256').optional(),
  kid: text.optional(),
  secret: z
    .custom<NonNullable<PresetClient['secret']>>(
      (value) => (typeof value === 'string' && value !== '') || typeof value === 'function' || isAssertionSource(value),
      'is not a secret: give a text, { file } or a function',
    )
    .optional(),
};

export const federatedClientShape = {
  ...clientShape,
  assertion: z
    .custom<NonNullable<FederatedPresetClient['assertion']>>(
      isAssertionSource,
      'is not a source of tokens: use a platform of @credence/platforms, { file } or a function',
    )
    .optional(),
};

/** What the vendor requires of the authentication of a client. */
export interface ClientRules {
  /** The claim `aud` of the assertion that the bot signs. */
  readonly audience: string;
  readonly alg?: PrivateKeyJwtOptions['alg'];
  readonly header?: PrivateKeyJwtOptions['header'];
  /** Where the secret is sent. */
  readonly secretMethod: 'basic' | 'post';
  /** The audience of the token of a platform. */
  readonly assertionAudience?: string;
  /** False if the vendor refuses the parameter `client_id` with the token of a platform. Default true. */
  readonly sendsClientId?: boolean;
}

/** The credential of the registration. `where` is the preset or its option, for messages. Throws `invalid_configuration` or `invalid_key`. */
export function credentialOf(where: string, client: FederatedPresetClient, rules: ClientRules): ClientCredential {
  const { clientId, key, alg, kid, secret, assertion } = client;
  const ways = ['key' as const, 'secret' as const, 'assertion' as const].filter((way) => client[way] !== undefined);
  if (ways.length !== 1) {
    const remedy = `Set exactly one of them in ${where}: the one that is registered for this client.`;
    throw invalid(`${where} has ${ways.length === 0 ? 'no credential' : ways.join(' and ')}.`, remedy);
  }
  if (secret !== undefined) return clientSecret({ clientId, secret, method: rules.secretMethod });
  if (assertion !== undefined) {
    const credential = clientAssertion({ clientId, assertion, audience: rules.assertionAudience ?? 'issuer' });
    return rules.sendsClientId === false ? withoutClientId(credential) : credential;
  }
  return privateKeyJwt({
    clientId,
    key: key ?? '',
    kid,
    alg: rules.alg ?? alg,
    audience: rules.audience,
    header: rules.header,
    // The examples of the vendors have this value. The newer one (client-authentication+jwt) is in none of them.
    typ: 'JWT',
  });
}

/** Its `sub` identifies the client, and is not the client id. */
function withoutClientId(credential: ClientCredential): ClientCredential {
  return {
    ...credential,
    async authenticate(request) {
      await credential.authenticate(request);
      request.body.delete('client_id');
    },
  };
}
