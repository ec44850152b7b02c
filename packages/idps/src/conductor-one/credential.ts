import { randomBytes } from 'node:crypto';
import {
  type ClientCredential,
  CredenceError,
  clientSecret,
  type ClientSecretOptions,
  isCredenceError,
  privateKeyJwt,
} from '@credence/core';
import { cleanText } from '@credence/protocol';
import { readRegularFile, readRegularFileSync } from '@credence/protocol/files';
import { checkPrefix, keyOfSecret } from './secret.ts';

/** The secret, or a file or function from which it is read before each request. */
export type C1Secret = ClientSecretOptions['secret'];

const WHERE = 'The option clientSecret of conductorOne';
const WINDOW_SECONDS = 120;
/** `privateKeyJwt` sets `iat` this much before the time of the request, and `exp` is counted from there. */
const BACKDATED_SECONDS = 5;

/**
 * The client assertion of C1's own tools: EdDSA, a random `nonce` in the header, the host of the tenant as audience, valid from 120 seconds
 * before the request to 120 seconds after it. A secret in a file or from a function can be replaced while the bot runs; if it cannot be
 * read for a while, the last one is used, with a warning.
 */
export function c1Assertion(clientId: string, secret: C1Secret, host: string): ClientCredential {
  const signed = (text: string) => assertion(clientId, keyOfSecret(WHERE, text.trim()), host);
  if (typeof secret === 'string') return signed(secret);
  const file = typeof secret === 'function' ? undefined : secret.file;
  let good: { readonly text: string; readonly credential: ClientCredential } | undefined;
  const take = (text: string): ClientCredential => {
    if (good?.text !== text) good = { text, credential: signed(text) };
    return good.credential;
  };
  // As for the other credentials, a file is read at the start, so that the constructor throws for one that is wrong.
  if (file !== undefined) take(readAtStart(file));
  const read = async () =>
    typeof secret === 'function' ? secret() : (await readRegularFile(secret.file)).toString('utf8');
  const current = async (warn?: () => void): Promise<ClientCredential> => {
    try {
      return take(await read());
    } catch (error) {
      if (!good) throw isCredenceError(error) ? error : unreadable(error, file);
      warn?.();
      return good.credential;
    }
  };
  return {
    method: 'private_key_jwt',
    clientId,
    file,
    // A function may ask a vault, so it is called only for a request.
    fingerprint: async () => (file === undefined ? undefined : (await current()).fingerprint?.()),
    async authenticate(request) {
      const credential = await current(() => request.warn?.(LAST_SECRET));
      await credential.authenticate(request);
    },
  };
}

function readAtStart(file: string): string {
  try {
    return readRegularFileSync(file).toString('utf8');
  } catch (error) {
    throw unreadable(error, file);
  }
}

/** The path is in the error, and of the cause only the code. */
function unreadable(cause: unknown, file: string | undefined): CredenceError {
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  const source = file === undefined ? 'the function' : `the file ${JSON.stringify(cleanText(file, { max: 300 }))}`;
  return new CredenceError({
    code: 'credential_unavailable',
    leg: 'configure',
    message: `The clientSecret of conductorOne could not be read from ${source}${code === undefined ? '' : ` (${code})`}.`,
    remedy:
      file === undefined
        ? 'Check the function of clientSecret; it failed or returned no text.'
        : "Check that the file exists and that the bot's user may read it.",
    contact: 'you',
    causeCode: code,
  });
}

const LAST_SECRET = {
  message: 'The clientSecret of conductorOne cannot be read, or is not complete. The last good value is still used.',
  remedy: 'Check the file or function of the secret. The new value is used as soon as it is complete.',
};

function assertion(clientId: string, key: ReturnType<typeof keyOfSecret>, host: string): ClientCredential {
  return privateKeyJwt({
    clientId,
    key: { ...key },
    alg: 'EdDSA',
    audience: [host],
    lifetimeSeconds: WINDOW_SECONDS + BACKDATED_SECONDS,
    header: () => ({ nonce: randomBytes(16).toString('hex') }),
    claims: ({ nowSeconds }) => ({ nbf: nowSeconds - WINDOW_SECONDS }),
    typ: 'JWT',
  });
}

/** The same secret in the body of the request (`client_secret_post`), which C1's documentation shows as well. */
export function c1Post(clientId: string, secret: C1Secret): ClientCredential {
  if (typeof secret === 'string') checkPrefix(WHERE, secret.trim());
  return clientSecret({ clientId, secret, method: 'post' });
}
