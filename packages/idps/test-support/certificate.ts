import { generateKeyPairSync } from 'node:crypto';
import { LOCALHOST_CERTIFICATE } from '../../../test/support/certificates.ts';

/** A certificate, and a key. Entra finds the public key of an app by the thumbprint of the certificate; here they need not belong together. */
export const certificate = LOCALHOST_CERTIFICATE.cert;
export const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
