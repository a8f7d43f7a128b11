import { testHostileFields } from "./hostile/fields.js";

testHostileFields(1);
