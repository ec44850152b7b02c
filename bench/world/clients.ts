import { exportPKCS8, generateKeyPair, type CryptoKey, jwtVerify } from 'jose';

export interface RegisteredClient {
  readonly clientId: string;
  readonly secret: string;
  /** PKCS#8 PEM. */
  readonly privateKey: string;
  readonly publicKey: CryptoKey;
}

export async function registerClient(clientId: string, secret: string): Promise<RegisteredClient> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { clientId, secret, publicKey, privateKey: await exportPKCS8(privateKey) };
}

/** Whether the request authenticates `client` by private_key_jwt, client_secret_basic or client_secret_post. */
export async function isClient(
  client: RegisteredClient,
  issuer: string,
  form: URLSearchParams,
  authorization: string | undefined,
): Promise<boolean> {
  const assertion = form.get('client_assertion');
  if (assertion !== null) {
    const audience = [issuer, `${issuer}/token`];
    const { payload } = await jwtVerify(assertion, client.publicKey, { audience, issuer: client.clientId });
    return payload.sub === client.clientId;
  }
  if (authorization !== undefined) {
    const [id, secret] = Buffer.from(authorization.replace(/^Basic /u, ''), 'base64')
      .toString('utf8')
      .split(':');
    return decodeURIComponent(id ?? '') === client.clientId && decodeURIComponent(secret ?? '') === client.secret;
  }
  return form.get('client_id') === client.clientId && form.get('client_secret') === client.secret;
}
