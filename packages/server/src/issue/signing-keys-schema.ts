import { z } from 'zod';
import { SigningKeys } from '../keys/signing-keys.ts';

export const signingKeysSchema = z.instanceof(SigningKeys, { error: 'are not what createSigningKeys() makes' });
