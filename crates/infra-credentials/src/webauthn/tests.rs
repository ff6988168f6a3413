//! What the specification gives as examples, and what is not to be taken.

use ed25519_dalek::Signer as _;
use serde_json::{Value, json};

use super::*;

/// An example of the specification: WebAuthn Level 3, "Test Vectors", in hexadecimal.
struct Vector {
    /// `attestationObject`.
    object: &'static str,
    /// `clientDataJSON` of the registration.
    created: &'static str,
    /// `authenticatorData`.
    data: &'static str,
    /// `clientDataJSON` of the authentication.
    got: &'static str,
    /// `signature`.
    signature: &'static str,
}

/// "ES256 Credential with No Attestation".
const NONE: Vector = Vector {
    object: "\
        a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad64\
        61c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f9\
        1f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afef\
        a16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b\
        03458abf879717c12cc68ed73290af2e2664796b9220",
    created: "\
        7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d50\
        7434557878475453746e63647134313759447742466938767049612d7077386f4f755657345441222c226f\
        726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a\
        66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d6179206265206578\
        74656e6465642077697468206164646974696f6e616c206669656c647320696e2074686520667574757265\
        2c207375636820617320746869733a20426b5165446a646354427258426941774a544c453551227d",
    data: "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000",
    got: "\
        7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224f63446e556851\
        58756c5455506f334a5558543049393770767a7a59425039745a63685879617630314167222c226f726967\
        696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c\
        73657d",
    signature: "\
        3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac\
        0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87",
};

/// "ES256 Credential with Self Attestation".
const ITSELF: Vector = Vector {
    object: "\
        a363666d74667061636b65646761747453746d74a263616c672663736967584630440220067a20754ab925\
        005dbf378097c92120031581c73228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121fa\
        3d3a26d17fe3f220272178f473b6006d68617574684461746158a4bfabc37432958b063360d3ad6461c9c4\
        735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506cfc0020455ef34e\
        2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176\
        b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2\
        d34f61f13bfd44119c325d5896e183fee484f2",
    created: "\
        7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a2265476e43\
        74334c55745936366b336a506a796e6962506b31716e666644616966715a774c33417032392d55222c226f\
        726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a\
        66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d6179206265206578\
        74656e6465642077697468206164646974696f6e616c206669656c647320696e2074686520667574757265\
        2c207375636820617320746869733a205539685458764b453255526b4d6e625f307859485667227d",
    data: "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50900000000",
    got: "\
        7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a225248696843784e\
        534e493352594d45314f7731476d3132786e726b634a5f6666707637546e2d4a71386773222c226f726967\
        696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c\
        73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e\
        6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c2073\
        75636820617320746869733a206754623533727a36456853576f6d58477a696d433151227d",
    signature: "\
        304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94dd0004\
        7b316061b3b99772b7efd95994a83ef584b3b6b825ea3550251b66",
};

/// "ES256 Credential with "crossOrigin": true in clientDataJSON".
const CROSS_ORIGIN: Vector = Vector {
    object: "\
        a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad64\
        61c9c4735ae7f8edd46592a5e0f01452b2e4b54500000000883f4f6014f19c09d87aa38123be48d000206e\
        1050c0d2ca2f07c755cb2c66a74c64fa43065c18f938354d9915db2bd5ce57a50102032620012158202220\
        0a473f90b11078851550d03b4e44a2279f8c4eca27b3153dedfe03e4e97d225820cbd0be95e746ad6f5a81\
        91be11756e4c0420e72f65b466d39bc56b8b123a9c6e",
    created: "\
        7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a224f2d5771\
        7a514e5463554a484930437257576e7951504859647862694332674872434d475666704c4f306b222c226f\
        726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a\
        747275652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874\
        656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c\
        207375636820617320746869733a207a5a7175457444523944577170573574425754467567227d",
    data: "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50500000000",
    got: "\
        7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a226832716c463771\
        445f65356c5f505f62796b7945377135645650674547685f49584a6b655737736e4d5463222c226f726967\
        696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a747275\
        652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e64\
        65642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375\
        636820617320746869733a2039327063545644304162792d713464746d6a36656667227d",
    signature: "\
        3046022100eb12fcf23b12764c0f122e22371fab92e283879fd798f38ee1841c951b6e40e7022100c76237\
        ff9db77b3c56f30837cda6a09acfa2e915544e609c0733b1184036d1cf",
};

/// "ES256 Credential with "topOrigin" in clientDataJSON".
const TOP_ORIGIN: Vector = Vector {
    object: "\
        a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad64\
        61c9c4735ae7f8edd46592a5e0f01452b2e4b5410000000097586fd09799a76401c200455099ef2a0020b8\
        ad59b996047ab18e2ceb57206c362da57458793481f4a8ebf101c7ca7cc0f1a5010203262001215820a1c4\
        7c1d82da4ebe82cd72207102b380670701993bc35398ae2e5726427fe01d22582086c1080d82987028c7f5\
        4ecb1b01185de243b359294a0ed210cd47480f0adc88",
    created: "\
        7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a225468394d\
        595a68706e6a504254786b68555f53646667364f4e58665672454673587a72636b7151664a2d55222c226f\
        726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a\
        747275652c22746f704f726967696e223a2268747470733a2f2f6578616d706c652e636f6d227d",
    data: "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50500000000",
    got: "\
        7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a22315570636a4b53\
        324b6f34377379486a7372787a68572d466f51465132796b3572426c584f6573656f4759222c226f726967\
        696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a747275\
        652c22746f704f726967696e223a2268747470733a2f2f6578616d706c652e636f6d222c22657874726144\
        617461223a22636c69656e74446174614a534f4e206d617920626520657874656e64656420776974682061\
        64646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869\
        733a205569466f4a4d56525148444146574669347678557051227d",
    signature: "\
        3045022100b5a70c81780d5fcc9a4f2ae9caae99058f8accaf58b91fb59329646c28ac6ffc022012e101c1\
        65db3c8e9957f0c54dd6ca9b56bc3bd2f280bd2faa6c1d02c6e5c171",
};

/// "ES256 Credential with very long credential ID".
const LONG_ID: Vector = Vector {
    object: "\
        a363666d74646e6f6e656761747453746d74a0686175746844617461590483bfabc37432958b063360d3ad\
        6461c9c4735ae7f8edd46592a5e0f01452b2e4b549000000008f3360c2cd1b0ac14ffe0795c5d2638e03ff\
        3a761a4e1674ad6c4305869435c0eee9c286172c229bb91b48b4ada140c0863417031305cce5b4a27a88d7\
        fe728a5f5a627de771b4b40e77f187980c124f9fe832d7136010436a056cce716680587d23187cf1fc2c62\
        ae86fc3e508ee9617ffc74fbc10488ec16ec5e9096328669a898709b655e549738c666c1ae6281dc3b5f73\
        3c251d3eefb76ee70a3805ca91bcc18e49c8dc7f63ebcb486ba8c3d6ab52b88ff72c6a5bb47c32f3ee8683\
        a3ddc8abf60870448ec8a21b5bdcb183c7dead870255575a6df96eb1b6a2a1019780cba9e4887b17ff1164\
        bbbcc10eb0d86ed75984cd3fa3419103024507dfd9ce8f92c56af7914cb0bb50b87ba82a312bb7dcd93028\
        dbdcd6adb266979667158335171e3682d37755701edbf9d872846a291d49e57ef09da1ec637f5052ed2aa7\
        407f7e61827468e94b461844f4c67be5fa9c6055a566f8fdfc29d4bf78a9ff275f552cc68ba543fa3962ee\
        a36fd1ea8453764577d021d0a181efc1f6100ab2e4110039e21ee16970bda7432b6134492155afc126295b\
        3a2eccd12c66a68e340969e995e3e8c9c476e395cfc21203414110779474f1c9797406637dbe414f132519\
        d3bf0ce4f01734ef0e1a12c3ad604ff15d766b1624db6a5a7ccbff7bc35c9908df94aba277e0af48f04ff3\
        d16381c47e5a37ed3988a67a3b1ecaa926336b33391fff04128f869991c9fabd905b6fe3ceef5f8b630ec1\
        c5d2636d5b1961ad5ca5004170f6f5e482792aad989b0287fe91e5c479403397152f1fa56aa79b156eb47e\
        6c8ea3eb175c34cfb38ad8e772874639b1023d4d01395c94e55831671cc022aa6fa1e02a02c2e4abc776f6\
        960e51f83b71a8c0f207b6a347573977812c9aa5480b0011aa739bd4b76c18c000cc4757cceccb920f007c\
        40c00e37e5ab21476cd9f6054a8fffb55a108f5c706e2cea2049d81fd321ff47d2a5761b0800955ab1d4f4\
        889f55a84e2601c684f17a4ade7453ea49591d0b59c8d9a765052f62219cf6ef4a5dd9539f0617d6ebbebc\
        e7c000455475d18449e25c49ef9a1e3efe18c09082ebe2058d7c347defaa92f0664553b805c7d76bbfce5f\
        330aca220ac90a789380fc479ea0d8793205813cca590a912f699ad52f991a1bc0a503c3ec4b2a696719e3\
        c26591a87127f7305cc7e72f4c8e39355ebb06a5b1042990f38710ee7aa612ee4374bb82e878585a70a96c\
        2a6b47f101a4ff154be4fd76a3167577a5cc54d9167c154c69ac35485e44cc898b719e1be3cc9c0fb5624b\
        8f8a0dae10947a41bf848b6c1bb33d1006ec077d7e286e3f2a7b4843716390119449fe2721e81a5ed2333d\
        331c7120765da58fadae73c19d9a8c4509cf8ac1e9d98b799a5274509069739b5823f3fb49666382003342\
        6988eefca53e580e0f9e0dfe0992fc2e53a97e053639f98577058f995bdbd41cefdba50102032620012158\
        203b8176b7504489cc593046d7988abb7905a742de6ac2cdc748a873c663e90cb12258201436d5edc9a75f\
        23999eef9d5950a5c2455514ee1014084720f841a06b828a11",
    created: "\
        7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a2245525048\
        4a6c7a50586d5553516f4c364858675a7036464d75464f61704d322d7830682d587a5859374777222c226f\
        726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a\
        66616c73657d",
    data: "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50d00000000",
    got: "\
        7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a2237783372705733\
        4f53505a307045664d396a75566d53574d36485a4935634f573875384d6f647047446a73222c226f726967\
        696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c\
        73657d",
    signature: "\
        304502203ecef83fb12a0cae7841055f9f87103a99fd14b424194bbf06c4623d3ee6e3fd022100d2ace346\
        db262b1374a6b70faa51f518a42ddca13a4125ce6f5052a75bac9fb6",
};

/// "Packed Attestation with Ed25519 Credential".
const ED25519: Vector = Vector {
    object: "\
        a363666d74667061636b65646761747453746d74a363616c67266373696758483046022100d83f60bd8026\
        9537583218858aefb03ac57d45fa06e42feaae332d187f62da9f022100a02bd3cb6f7e1d283c93bad1f3f4\
        b5a4c0494463da7fdbf256949116754d1f17637835638159022730820223308201c8a003020102021100b2\
        cfc9ea33c8643b0e1a760463eaf164300a06082a8648ce3d0403023062311e301c06035504030c15576562\
        417574686e207465737420766563746f7273310c300a060355040a0c0357334331253023060355040b0c1c\
        41757468656e74696361746f72204174746573746174696f6e204341310b30090603550406130241413020\
        170d3234303130313030303030305a180f33303234303130313030303030305a305f311e301c0603550403\
        0c15576562417574686e207465737420766563746f7273310c300a060355040a0c03573343312230200603\
        55040b0c1941757468656e74696361746f72204174746573746174696f6e310b3009060355040613024141\
        3059301306072a8648ce3d020106082a8648ce3d03010703420004dd2b7a564b73b8c0b81c4c62e521925c\
        4d1198ec9f583dbf1eebe364b65cd9c29a9bdf346aaa81fb6b9507e5249a52fdaf8e39e26b0b7dc45992a7\
        e233b70f70a360305e300c0603551d130101ff04023000300e0603551d0f0101ff040403020780301d0603\
        551d0e041604140ae27546bc7eccb1b4b597bd354f0c0b1f1f8f8e301f0603551d2304183016801445aff7\
        15b0dd786741fee996ebc16547a3931b1e300a06082a8648ce3d0403020349003046022100a0d434ecb5fc\
        3bfd7da5f41904517ad2836249f561bd834ba7a438a8ab7a4ce8022100fac845bb7a02513b58e9f319654d\
        be49b0f02b95835bac568c71f8a18cdde9ab6861757468446174615881bfabc37432958b063360d3ad6461\
        c9c4735ae7f8edd46592a5e0f01452b2e4b54100000000d5aa33581e8ca478e20fe713f5d32ff20020ce9f\
        840ed96599580cd140fbc7bb3230633f50f61041aff73308ae71caa8a2bda401010327200621582044e06d\
        dd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832",
    created: "\
        7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22714b7635\
        32723347734e396a526d733576616e6f6f306f303459557a656c6e7878586d5a426e6254733730222c226f\
        726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a\
        66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d6179206265206578\
        74656e6465642077697468206164646974696f6e616c206669656c647320696e2074686520667574757265\
        2c207375636820617320746869733a20425f44543567375a445f2d394f544c59583549764551227d",
    data: "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50100000000",
    got: "\
        7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a2269566c58344278\
        6a4f6d6d44534b4c596f7870557439736e364d48454f7943413135726947514a6e763949222c226f726967\
        696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c\
        73657d",
    signature: "\
        f5c59c7e46c34f6f8cc197101ddf9934fa2595f68eb1913a637e8419eb9ba4cfdfc48f85393bc0d40b011f\
        0d6fecb097d6607525713223a0dc0d453993dae00b",
};

/// The authenticator data of "Packed Attestation with ES384 Credential".
const ES384: &str = "\
    bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55900000000e950dcda3bdae1d0\
    87cda380a897848b0020953ae2dd9f28b1a1d5802c83e1f65833bb9769a08de82d812bc27c13fc6f06a9a50102\
    03382220022158304866bd8b01da789e9eb806e5eab05ae5a638542296ab057a2f1bbce9b58f8a08b9171390b5\
    8a37ac7fffc2c5f45857da2258302a0b024c7f4b72072a1f96bd30a7261aae9571dd39870eb29e55c0941c6b08\
    e89629a1ea1216aa64ce57c2807bf3901a";

fn hex(text: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    text.as_bytes().chunks(2).map(byte).collect()
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// That of the vectors.
fn party() -> RelyingParty {
    let origins = vec!["https://example.org".to_owned()];
    RelyingParty { id: "example.org".to_owned(), name: "Example".to_owned(), origins }
}

fn made(answer: &Value) -> Result<MadePasskey, BadAnswer> {
    Webauthn.made(&answer.to_string(), &party())
}

fn signed(answer: &Value, key: &[u8]) -> Result<Assertion, BadAnswer> {
    Webauthn.signed(&answer.to_string(), &base64(key), &party())
}

fn creation(id: &[u8], client_data: &[u8], object: &[u8]) -> Value {
    let response =
        json!({ "clientDataJSON": base64(client_data), "attestationObject": base64(object) });
    json!({ "id": base64(id), "rawId": base64(id), "type": "public-key", "response": response })
}

fn assertion(id: &[u8], client_data: &[u8], data: &[u8], signature: &[u8]) -> Value {
    let response = json!({
        "clientDataJSON": base64(client_data),
        "authenticatorData": base64(data),
        "signature": base64(signature),
    });
    json!({ "id": base64(id), "rawId": base64(id), "type": "public-key", "response": response })
}

impl Vector {
    /// The id of the passkey, and its public key.
    fn credential(&self) -> (Vec<u8>, Vec<u8>) {
        let object = hex(self.object);
        let object = AttestationObject::read(&object).unwrap();
        let data = AuthenticatorData::read(object.authenticator_data).unwrap();
        let credential = data.credential.unwrap();
        (credential.id.to_vec(), credential.public_key.to_vec())
    }

    fn creation(&self) -> Value {
        creation(&self.credential().0, &hex(self.created), &hex(self.object))
    }

    fn assertion(&self) -> Value {
        let id = self.credential().0;
        assertion(&id, &hex(self.got), &hex(self.data), &hex(self.signature))
    }

    fn signed(&self) -> Result<Assertion, BadAnswer> {
        signed(&self.assertion(), &self.credential().1)
    }
}

const ID: [u8; 4] = [1, 2, 3, 4];

fn key_of_p256() -> ecdsa::SigningKey {
    ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()
}

/// The `COSE_Key` of that key.
fn cose() -> Vec<u8> {
    let point = key_of_p256().verifying_key().to_sec1_point(false);
    let head = hex("a5010203262001215820");
    [&head, &point.as_bytes()[1..33], &hex("225820"), &point.as_bytes()[33..]].concat()
}

fn ed25519_cose(x: &[u8]) -> Vec<u8> {
    [&hex("a4010103272006215820"), x].concat()
}

fn client_data(kind: &str, more: &str) -> Vec<u8> {
    let data = r#""challenge":"AAAA","origin":"https://example.org""#;
    format!(r#"{{"type":"{kind}",{data}{more}}}"#).into_bytes()
}

/// Authenticator data with these flags, a count of 258, and these parts behind it.
fn data(flags: u8, parts: &[&[u8]]) -> Vec<u8> {
    let site = Sha256::digest(b"example.org");
    [&site[..], &[flags, 0, 0, 1, 2], &parts.concat()].concat()
}

/// A passkey with this key, as authenticator data has it.
fn credential(key: &[u8]) -> Vec<u8> {
    [&[0; 16], &[0, 4][..], &ID, key].concat()
}

/// An attestation object, whose parts are CBOR but for the data.
fn object(format: &str, statement: &[u8], data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    [
        &hex("a363666d74")[..],
        &[0x60 + u8::try_from(format.len()).unwrap()],
        format.as_bytes(),
        &hex("6761747453746d74"),
        statement,
        &hex("686175746844617461"),
        &[0x59],
        &length,
        data,
    ]
    .concat()
}

/// A passkey made without attestation.
fn made_of(data: &[u8]) -> Result<MadePasskey, BadAnswer> {
    made(&creation(&ID, &client_data(CREATE, ""), &object("none", &[0xa0], data)))
}

/// A passkey made with this key.
fn made_with(key: &[u8]) -> Result<MadePasskey, BadAnswer> {
    made_of(&data(USER_PRESENT | ATTESTED, &[&credential(key)]))
}

fn sign(data: &[u8], client_data: &[u8]) -> Vec<u8> {
    let message = [data, &Sha256::digest(client_data)].concat();
    let signature: ecdsa::Signature = key_of_p256().sign(&message);
    signature.to_der().as_bytes().to_vec()
}

/// What that key signs, whatever it is.
fn signed_of(data: &[u8], client_data: &[u8]) -> Result<Assertion, BadAnswer> {
    signed(&assertion(&ID, client_data, data, &sign(data, client_data)), &cose())
}

/// Each byte string that differs from this one in a bit.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    })
}

#[test]
fn y8_the_vectors_of_the_specification_are_verified() {
    for vector in [NONE, ITSELF, LONG_ID] {
        let (id, key) = vector.credential();
        let expected =
            MadePasskey { credential_id: base64(&id), public_key: base64(&key), sign_count: 0 };
        assert_eq!(made(&vector.creation()), Ok(expected));
    }
    assert_eq!(LONG_ID.credential().0.len(), CREDENTIAL_ID);
    // Its attestation has a certificate.
    assert_eq!(made(&ED25519.creation()), Err(BadAnswer::NotAskedFor));
    for (vector, user_verified) in
        [(NONE, false), (ITSELF, false), (LONG_ID, true), (ED25519, false)]
    {
        assert_eq!(vector.signed(), Ok(Assertion { sign_count: 0, user_verified }));
    }
    let other = signed(&NONE.assertion(), &ITSELF.credential().1);
    assert_eq!(other, Err(BadAnswer::WrongSignature));
}

#[test]
fn y8_what_was_made_within_another_page_is_refused() {
    for vector in [CROSS_ORIGIN, TOP_ORIGIN] {
        assert_eq!(made(&vector.creation()), Err(BadAnswer::OtherOrigin));
        assert_eq!(vector.signed(), Err(BadAnswer::OtherOrigin));
    }
    let framed = client_data(GET, r#","crossOrigin":false,"topOrigin":"https://example.org""#);
    assert_eq!(signed_of(&data(USER_PRESENT, &[]), &framed), Err(BadAnswer::OtherOrigin));
}

#[test]
fn y8_another_page_or_site_or_an_absent_user_is_refused() {
    let answers = [NONE.creation().to_string(), NONE.assertion().to_string()];
    let verify = |party: &RelyingParty| {
        let key = base64(&NONE.credential().1);
        let [created, got] = &answers;
        let made = Webauthn.made(created, party).map(drop);
        assert_eq!(Webauthn.signed(got, &key, party).map(drop), made);
        made
    };
    assert_eq!(verify(&party()), Ok(()));
    let own = "https://example.org".to_owned();
    let origins = vec!["https://app.example.org".to_owned(), own];
    assert_eq!(verify(&RelyingParty { origins, ..party() }), Ok(()));
    for origin in
        ["http://example.org", "https://example.org:444", "https://example.org/", "example.org"]
    {
        let origins = vec![origin.to_owned()];
        let party = RelyingParty { origins, ..party() };
        assert_eq!(verify(&party), Err(BadAnswer::OtherOrigin), "{origin}");
    }
    let party = RelyingParty { id: "example.com".to_owned(), ..party() };
    assert_eq!(verify(&party), Err(BadAnswer::OtherParty));

    let absent = data(ATTESTED | USER_VERIFIED, &[&credential(&cose())]);
    assert_eq!(made_of(&absent), Err(BadAnswer::UserNotPresent));
    let absent = signed_of(&data(USER_VERIFIED, &[]), &client_data(GET, ""));
    assert_eq!(absent, Err(BadAnswer::UserNotPresent));
}

#[test]
fn y8_no_bit_of_what_was_signed_can_be_changed() {
    for vector in [NONE, ED25519] {
        let (id, key) = vector.credential();
        let [data, got, signature] = [vector.data, vector.got, vector.signature].map(hex);
        let verify = |got: &[u8], data: &[u8], signature: &[u8]| {
            signed(&assertion(&id, got, data, signature), &key)
        };
        assert!(verify(&got, &data, &signature).is_ok());
        assert!(flipped(&got).all(|got| verify(&got, &data, &signature).is_err()));
        assert!(flipped(&data).all(|data| verify(&got, &data, &signature).is_err()));
        let wrong = Err(BadAnswer::WrongSignature);
        assert!(flipped(&signature).all(|flipped| verify(&got, &data, &flipped) == wrong));
        for end in 0..signature.len() {
            assert_eq!(verify(&got, &data, &signature[..end]), wrong);
        }
        assert_eq!(verify(&got, &data, &[&signature[..], &[0]].concat()), wrong);
    }
    let (id, _) = ITSELF.credential();
    let [created, object] = [ITSELF.created, ITSELF.object].map(hex);
    let verify = |created: &[u8], object: &[u8]| made(&creation(&id, created, object));
    assert!(verify(&created, &object).is_ok());
    assert!(flipped(&created).all(|created| verify(&created, &object).is_err()));
    assert!(flipped(&object).all(|object| verify(&created, &object).is_err()));
}

#[test]
fn y8_no_part_of_an_answer_is_taken_for_the_whole() {
    for vector in [NONE, ITSELF, LONG_ID, ED25519] {
        let (id, key) = vector.credential();
        let [object, created] = [vector.object, vector.created].map(hex);
        for end in 0..object.len() {
            let answer = creation(&id, &created, &object[..end]);
            assert_eq!(made(&answer), Err(BadAnswer::Unreadable), "{end}");
        }
        for end in 0..key.len() {
            assert_eq!(signed(&vector.assertion(), &key[..end]), Err(BadAnswer::Unreadable));
        }
    }
    let whole = data(USER_PRESENT | ATTESTED, &[&credential(&cose())]);
    for end in 0..whole.len() {
        assert_eq!(made_of(&whole[..end]), Err(BadAnswer::Unreadable), "{end}");
        let signed = signed_of(&whole[..end], &client_data(GET, ""));
        assert_eq!(signed, Err(BadAnswer::Unreadable), "{end}");
    }
    let answer = NONE.assertion().to_string();
    for end in 0..answer.len() {
        assert_eq!(Webauthn.claimed(&answer[..end]), Err(BadAnswer::Unreadable), "{end}");
    }
}

#[test]
fn y8_an_answer_of_another_form_is_refused() {
    let change = |whole: &Value, pointer: &str, value: Value| {
        let mut answer = whole.clone();
        *answer.pointer_mut(pointer).unwrap() = value;
        answer
    };
    let created = creation(
        &ID,
        &client_data(CREATE, ""),
        &object("none", &[0xa0], &data(USER_PRESENT | ATTESTED, &[&credential(&cose())])),
    );
    assert!(made(&created).is_ok());
    let padded = created.pointer("/response/clientDataJSON").unwrap().as_str().unwrap();
    let long = base64(&[0; CREDENTIAL_ID + 1]);
    for (pointer, value) in [
        ("/type", json!("password")),
        ("/type", Value::Null),
        ("/id", json!("AQIDBB")),
        ("/id", json!("AQIDBA==")),
        ("/id", json!("AQID")),
        ("/id", json!("")),
        ("/rawId", json!("AQID")),
        ("/response", json!({})),
        ("/response", Value::Null),
        ("/response/clientDataJSON", json!(format!("{padded}="))),
        ("/response/clientDataJSON", json!(base64(&client_data(GET, "")))),
        ("/response/clientDataJSON", json!(base64(b"{}"))),
        ("/response/clientDataJSON", json!(base64(&client_data(CREATE, r#","type":"a""#)))),
        ("/response/attestationObject", json!("")),
    ] {
        let answer = change(&created, pointer, value);
        assert_eq!(made(&answer), Err(BadAnswer::Unreadable), "{answer}");
    }
    for id in [long, String::new()] {
        let answer = change(&change(&created, "/id", json!(id)), "/rawId", json!(id));
        assert_eq!(made(&answer), Err(BadAnswer::Unreadable));
        assert_eq!(Webauthn.claimed(&answer.to_string()), Err(BadAnswer::Unreadable));
    }
    let of_another = change(&change(&created, "/id", json!("AQID")), "/rawId", json!("AQID"));
    assert_eq!(made(&of_another), Err(BadAnswer::Unreadable));
    let answer = created.to_string();
    let space = |length: usize| " ".repeat(length - answer.len());
    assert!(Webauthn.made(&(space(ANSWER) + &answer), &party()).is_ok());
    let longer = Webauthn.made(&(space(ANSWER + 1) + &answer), &party());
    assert_eq!(longer, Err(BadAnswer::Unreadable));

    let created = signed_of(&data(USER_PRESENT, &[]), &client_data(CREATE, ""));
    assert_eq!(created, Err(BadAnswer::Unreadable));
}

#[test]
fn y8_authenticator_data_that_contradicts_itself_is_refused() {
    let passkey = credential(&cose());
    let known = [USER_PRESENT | BACKUP_ELIGIBLE | BACKED_UP, USER_PRESENT | BACKUP_ELIGIBLE];
    for flags in known {
        assert!(made_of(&data(flags | ATTESTED, &[&passkey])).is_ok());
        assert!(signed_of(&data(flags, &[]), &client_data(GET, "")).is_ok());
    }
    let attested = USER_PRESENT | ATTESTED;
    for (flags, parts) in [
        (USER_PRESENT | BACKED_UP, &[][..]),
        (USER_PRESENT, &[&[0][..]]),
        (USER_PRESENT, &[&[0xa0]]),
        (USER_PRESENT | EXTENDED, &[]),
        (USER_PRESENT | EXTENDED, &[&[0xa0, 0]]),
        (USER_PRESENT | EXTENDED, &[&[0x80]]),
        (attested, &[]),
        (attested, &[&passkey, &[0]]),
        (attested, &[&passkey, &[0xa0]]),
        (attested | EXTENDED, &[&passkey]),
        (attested | BACKED_UP, &[&passkey]),
    ] {
        let data = data(flags, parts);
        assert_eq!(made_of(&data), Err(BadAnswer::Unreadable), "{data:?}");
        let signed = signed_of(&data, &client_data(GET, ""));
        assert_eq!(signed, Err(BadAnswer::Unreadable), "{data:?}");
    }
    // Without a passkey.
    assert_eq!(made_of(&data(USER_PRESENT, &[])), Err(BadAnswer::Unreadable));
}

#[test]
fn y8_extensions_are_passed_over() {
    let passkey = credential(&cose());
    let verify = |extensions: &[u8]| {
        let made = made_of(&data(USER_PRESENT | ATTESTED | EXTENDED, &[&passkey, extensions]));
        let data = data(USER_PRESENT | USER_VERIFIED | EXTENDED, &[extensions]);
        let signed = signed_of(&data, &client_data(GET, ""));
        if let Ok(signed) = signed {
            assert_eq!(signed, Assertion { sign_count: 258, user_verified: true });
            assert_eq!(made.as_ref().unwrap().sign_count, 258);
            assert_eq!(made.as_ref().unwrap().public_key, base64(&cose()));
        }
        assert_eq!(made.map(drop), signed.map(drop));
        signed.map(drop)
    };
    // {"credProtect": 2}, {"a": [true, null, 1.5, -1, h'00', {}]}, {"a": [[[]]]}
    for extensions in
        ["a0", "a16b6372656450726f7465637402", "a1616186f5f6f93e00204100a0", "a16161818180"]
    {
        assert_eq!(verify(&hex(extensions)), Ok(()), "{extensions}");
    }
    // Too deep; an indefinite map, array and string; a tag; an unknown kind; too many promised.
    for extensions in [
        "a1616181818180",
        "bfff",
        "a161619fff",
        "a161617fff",
        "a16161c100",
        "a161611c",
        "a16161ff",
        "bbffffffffffffffff",
        "a161619bffffffffffffffff",
        "a161615bffffffffffffffff",
    ] {
        assert_eq!(verify(&hex(extensions)), Err(BadAnswer::Unreadable), "{extensions}");
    }
    assert_eq!(verify(&[0x81; 8000]), Err(BadAnswer::Unreadable));
}

#[test]
fn y8_keys_that_were_not_asked_for_are_refused() {
    assert!(made_with(&cose()).is_ok());
    let ed25519 = ed25519::SigningKey::from_bytes(&[7; 32]);
    assert!(made_with(&ed25519_cose(ed25519.verifying_key().as_bytes())).is_ok());

    let es384 = hex(ES384);
    let id = AuthenticatorData::read(&es384).unwrap().credential.unwrap().id;
    let es384 = creation(id, &client_data(CREATE, ""), &object("none", &[0xa0], &es384));
    assert_eq!(made(&es384), Err(BadAnswer::NotAskedFor));

    let change = |at: usize, bytes: &[u8]| {
        let mut key = cose();
        key[at..at + bytes.len()].copy_from_slice(bytes);
        key
    };
    let (longer, compressed) = (cose()[1..].to_vec(), hex("22f5"));
    for key in [
        // The algorithm ESP256, the curve P-384, the kind OKP, and a point beside the curve.
        change(4, &[0x28]),
        change(6, &[2]),
        change(2, &[1]),
        change(10, &[0; 32]),
        // With `key_ops`, of which there are to be none.
        [&[0xa6][..], &longer, &hex("048102")].concat(),
        // A compressed point, and a key without one.
        [&cose()[..42], &compressed].concat(),
        [&[0xa4][..], &cose()[1..42]].concat(),
        hex("a0"),
        // A point of order 4, with which anything verifies.
        ed25519_cose(&[0; 32]),
        [&hex("a401010327200621581f"), &[1; 31][..]].concat(),
    ] {
        assert_eq!(made_with(&key), Err(BadAnswer::NotAskedFor), "{key:?}");
        let signed = signed(&NONE.assertion(), &key);
        assert_eq!(signed, Err(BadAnswer::NotAskedFor), "{key:?}");
    }
    for key in [
        // A label twice, an indefinite map, a label that is text, and no map at all.
        [&[0xa6][..], &longer, &hex("0326")].concat(),
        [&[0xbf][..], &longer, &[0xff]].concat(),
        hex("a1616100"),
        hex("80"),
        change(7, &hex("215f20")),
    ] {
        assert_eq!(made_with(&key), Err(BadAnswer::Unreadable), "{key:?}");
    }
    let trailing = [&cose()[..], &[0]].concat();
    assert_eq!(signed(&NONE.assertion(), &trailing), Err(BadAnswer::Unreadable));
}

#[test]
fn y8_attestations_that_were_not_asked_for_are_refused() {
    let data = data(USER_PRESENT | ATTESTED, &[&credential(&cose())]);
    let created = client_data(CREATE, "");
    let attested = |format: &str, statement: &[u8]| {
        made(&creation(&ID, &created, &object(format, statement, &data))).map(drop)
    };
    let signature = sign(&data, &created);
    let length = [u8::try_from(signature.len()).unwrap()];
    let sig = [&hex("6373696758"), &length[..], &signature].concat();
    let itself = [&hex("a263616c6726"), &sig[..]].concat();
    assert_eq!(attested("none", &[0xa0]), Ok(()));
    assert_eq!(attested("packed", &itself), Ok(()));
    for (format, statement) in [
        ("none", itself.clone()),
        ("None", hex("a0")),
        ("tpm", itself.clone()),
        ("fido-u2f", itself.clone()),
        ("packed", hex("a0")),
        // Of another algorithm, and with certificates.
        ("packed", [&hex("a263616c6727"), &sig[..]].concat()),
        ("packed", [&hex("a363616c6726"), &sig[..], &hex("637835638140")].concat()),
        ("packed", hex("a263616c67266378356380")),
        ("packed", hex("a263616c672663616c6726")),
    ] {
        let refused = attested(format, &statement);
        assert_eq!(refused, Err(BadAnswer::NotAskedFor), "{format} {statement:?}");
    }
    let wrong = attested("packed", &hex("a263616c67266373696740"));
    assert_eq!(wrong, Err(BadAnswer::WrongSignature));

    let object = object("none", &[0xa0], &data);
    let again = [&[0xa4], &object[1..], &hex("63666d7460")].concat();
    let other = [&[0xa4], &object[1..], &hex("616100")].concat();
    let trailing = [&object[..], &[0]].concat();
    let indefinite = [&[0xbf], &object[1..], &[0xff]].concat();
    for object in [again, other, trailing, indefinite] {
        let answer = creation(&ID, &created, &object);
        assert_eq!(made(&answer), Err(BadAnswer::Unreadable), "{object:?}");
    }
}

#[test]
fn y8_an_answer_says_what_it_answers_and_who_gives_it() {
    let claimed = |answer: &Value| Webauthn.claimed(&answer.to_string());
    let challenges = [
        "AMMPt4UxxGTStncdq417YDwBFi8vpIa-pw8oOuVW4TA",
        "OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag",
    ];
    for (answer, challenge) in [NONE.creation(), NONE.assertion()].iter().zip(challenges) {
        let credential_id = base64(&NONE.credential().0);
        let challenge = challenge.to_owned();
        let expected = ClaimedAnswer { challenge, credential_id, user_handle: None };
        assert_eq!(claimed(answer), Ok(expected));
    }
    let with = |handle: Value| {
        let mut answer = NONE.assertion();
        answer["response"]["userHandle"] = handle;
        claimed(&answer).map(|claimed| claimed.user_handle)
    };
    assert_eq!(with(json!("AQID")), Ok(Some("AQID".to_owned())));
    assert_eq!(with(json!("")), Ok(None));
    assert_eq!(with(Value::Null), Ok(None));
    assert!(with(json!(base64(&[0; USER_HANDLE]))).is_ok());
    for handle in [json!("AQIDBB"), json!(1), json!(base64(&[0; USER_HANDLE + 1]))] {
        assert_eq!(with(handle), Err(BadAnswer::Unreadable));
    }
    let of = |client_data: &[u8]| claimed(&assertion(&ID, client_data, &[], &[])).map(drop);
    // Before anything else of it is verified.
    assert_eq!(of(&client_data(GET, r#","crossOrigin":true"#)), Ok(()));
    for client_data in [
        client_data("payment.get", ""),
        br#"{"type":"webauthn.get","challenge":"AAA=","origin":""}"#.to_vec(),
        br#"{"type":"webauthn.get","origin":""}"#.to_vec(),
        b"\xff".to_vec(),
    ] {
        assert_eq!(of(&client_data), Err(BadAnswer::Unreadable));
    }
}
