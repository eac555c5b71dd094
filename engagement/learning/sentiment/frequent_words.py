"""Words and letters that tell the languages of the Latin script apart, by ISO 639-1 code."""

from __future__ import annotations

# What every text is made of: articles, pronouns, conjunctions, forms of «to be» and «to have»; and
# what reviews are made of. Words that several languages share count for each of them, but less.
FREQUENT = {
    "en": "the and is it was this that for with not very but have are you they these my i a an "
    "of in on to or as at by be so if me we he she your their its it's i'm don't didn't i've can "
    "will from has had were been all one out up no more than just when there what which would "
    "could should about after before too also only over into because really get got like am do "
    "does did who how some any other them her his our us then even much well good great nice "
    "love loved loves perfect bad poor product quality price size sizes fits fit comfortable "
    "beautiful excellent awesome terrible recommend received item works work buy bought wear "
    "worn looks look cute soft super pretty color dress shirt top pants fabric material little "
    "bit small large runs true happy wish back still easy use fun worth money ordered order "
    "arrived best better made most never ever without through again many where while please here "
    "enter following must select selected cannot each time year day first new now make way see "
    "need come came mine can't couldn't wouldn't isn't wasn't doesn't won't customer service two "
    "days week off went going thing things something think thought know feel feels felt",
    "de": "der die das und ist nicht ein eine einen einem einer ich es mit sehr für auf war gut "
    "aber auch wie wir zu den dem des im in von bei als an sich sie er hat habe sind wird werden "
    "nur noch nach aus oder kann zum zur man mein meine dass wenn bitte alle dieser diese dieses "
    "keine kein schlecht qualität passt schnell gerne leider über durch wurde schön vor so um "
    "mehr haben immer wieder ihr ihre ihren geben sein diesem müssen darf",
    "fr": "le la les et est une un des du de je pas très pour que qui avec ce cette mais bien "
    "dans sur c'est j'ai il elle nous vous au aux par plus ne se son sa ses mon ma mes tout tous "
    "sont été être a en ou où comme si leur bon qualité produit taille livraison merci parfait "
    "veuillez votre vos cet aucun aucune même sans fait peut doit déjà trop n'est d'une d'un",
    "es": "el la los las y es una un muy que no con para por pero lo de del en se su sus al más "
    "este esta esto ese como si ya bien sin me mi ha he fue son está están hay todo todos cuando "
    "porque o a qué sobre entre también buena bueno producto calidad llegó talla gracias ser "
    "desde usted puede debe tiene ningún otro otra nos tu muchas mucho",
    "it": "la il lo gli le i che è e di non un una uno molto per con ma mi sono bene da del "
    "della dei delle dal alla al nel nella in si su se ho ha hanno questo questa come più anche "
    "ottimo prodotto qualità taglia buono ci tutto tutti essere stato era o a sul sulla quando "
    "perché già senza può deve suo sua loro qui quello nessun grazie dopo ogni",
    "pt": "o a os as e é uma um muito que não com para por mas de do da dos das em no na nos nas "
    "se foi ser está são mais este esta isso eu meu minha seu sua ao à pelo pela como já bem "
    "também bom boa produto qualidade tamanho chegou gostei ótimo quando sem há tem você ele ela "
    "ou sobre nenhum deve pode tudo até só obrigado",
    "nl": "de het een en is niet ik met van voor maar zeer goed erg mooi kwaliteit maat ook op "
    "te aan in om dat die dit deze er zijn was heeft heb hebben wordt worden bij naar uit als "
    "nog wel je u mijn geen kan kunnen door over dan of al snel geleverd zo we ze moet alle onze "
    "hun meer veel tot kies voer bestaat",
    "sv": "och är det en ett att som på inte av för med den jag har till om var de kan men så "
    "mycket bra vi från eller ska skulle också när alla min mitt mina du ni denna detta dessa "
    "måste efter vid hade bara utan kvalitet storlek passar här får vill än finns inga ingen "
    "ange någon över",
    "da": "og er det en et at som på ikke af for med den jeg har til om var de kan men så meget "
    "godt god vi fra eller skal skulle også når alle min mit mine du denne dette disse efter ved "
    "havde kun uden kvalitet størrelse passer her får vil ud hvor være blev findes ingen angiv "
    "noget over op mere andre blive hvis",
    "no": "og er det en et at som på ikke av for med den jeg har til om var de kan men så mye "
    "veldig bra vi fra eller skal skulle også når alle min mitt mine du denne dette disse etter "
    "ved hadde bare uten kvalitet størrelse passer her får vil ut hvor være ble finnes ingen "
    "oppgi noe over opp mer andre bli hvis må",
    "fi": "ja on ei se että oli hyvä tämä en ole mutta kun niin myös minun erittäin todella kuin "
    "ovat joka jos sen hän olen tuote laatu koko sopii hyvin tai voi mitä vain kanssa vielä nyt "
    "nämä tätä tämän tässä siitä ollut olla mukaan jotka hieman liian suosittelen kiitos joitain "
    "täytyy sinun mikä pitää vähintään enintään useita",
    "et": "ja on ei see et oli hea väga kui ka ma mis aga selle oma seda kes siis või ning nii "
    "mitte üks kõik veel ainult pole olla olen kvaliteet suurus toode palun selles teie peab "
    "saab välja ole enam rohkem vähemalt kõige pärast juba neid need",
    "lv": "un ir ka ar par no es tas bet ļoti labs kā uz tika vai lai man nav tā šis šī viss arī "
    "bija jau tikai būt pie pēc līdz kvalitāte izmērs prece šo kas jūs jūsu lūdzu vairāk nevar "
    "jābūt tiek ievadiet visi šajā kurš bez",
    "lt": "ir yra kad su labai tai iš bet aš kaip buvo ne į už nuo gera prekė man arba tik jau "
    "dar šis ši būti kokybė dydis jūs jūsų prašome visi gali turi šio po apie prie daugiau "
    "negali įveskite šią kuris per nėra pasirinkite",
    "pl": "i w na nie się jest z do to że bardzo ale jak o po tak za od dla mnie co są był była "
    "przez jego ten ta te tego tej już tylko dobry dobra produkt jakość rozmiar polecam lub czy "
    "może być oraz przy ma mam moje wszystko bez nad pod które który która proszę należy żadnych "
    "wartość jeszcze można",
    "cs": "a je se v na to že z do s o i ale jsem jako by pro velmi tak za po od jsou byl byla "
    "bylo který která které jen už ještě také nebo když není být při kvalita velikost zboží "
    "doporučuji mi co k u ze tento tato toto prosím musí může všechny této tohoto před jste "
    "pouze",
    "sk": "a je sa v na to že z do s o i ale som ako by pre veľmi tak za po od sú bol bola bolo "
    "ktorý ktorá ktoré len už ešte tiež alebo keď nie byť pri kvalita veľkosť tovar odporúčam mi "
    "čo k u zo tento táto toto prosím musí môže všetky tejto tohto pred ste iba nemôže",
    "sl": "in je v na se da za z so ki s pa po kot ne tudi od bi že ali sem to zelo iz ni bil "
    "bila ko do pri lahko samo še ta ti kakovost velikost izdelek mora prosimo niso biti vse "
    "tega tem ima med več vnesite izberite teh",
    "hr": "i je u na se da za od s su to kao ne sa ili koji koja koje ali o iz vrlo jako bi nije "
    "biti bio bila što samo još po te ovaj ova ovo sve kvaliteta veličina proizvod može mora "
    "molimo nisu sam vas kako ako više već morate unesite",
    "hu": "a az és hogy nem is egy van nagyon meg de volt ez azt ki jó mint csak már ha még vagy "
    "el minden termék méret minőség kérjük lehet kell nincs ezt ezek fel lesz be után szerint "
    "mert így itt én olyan ami amely pedig adja legyen érték közül",
    "ro": "și de la în este nu a cu o pe că foarte mai un care pentru din se sunt am dar ca să "
    "le al ale ai fost bun bună produs calitate mărime fi poate sau după acest această ce toate "
    "doar prin dacă vă rugăm dumneavoastră trebuie aceasta cel puțin are au lui fără şi",
    "sq": "dhe e të në një për me është nga që më ka si por nuk u ky kjo i do shumë mirë te jo "
    "këtë duhet mund janë ose tuaj ju lutemi vetëm pa pas cilësi produkt ai ajo",
    "tr": "ve bir bu çok için da de ne güzel ürün ile gibi daha ama ben var olarak en kadar "
    "sonra her şey değil iyi tavsiye kalite beden geldi ederim hızlı kargo teşekkürler veya olan "
    "olmalı bütün lütfen tüm bana biraz o mi yok oldu aldım memnun göre değer geçerli",
    "az": "və bir bu çox üçün da də nə yaxşı ilə kimi daha amma mən var olaraq ən qədər sonra "
    "hər deyil məhsul keyfiyyət ya zəhmət olmasa olan bütün lazımdır mümkün edin doğru",
    "id": "dan yang di ini itu dengan untuk tidak dari pada adalah saya sangat bagus akan juga "
    "ada bisa dalam atau ke sudah barang kualitas ukuran sesuai produk cepat lebih harus oleh "
    "anda telah dapat karena seperti tapi banget kami tersebut sama kurang terima kasih pilih "
    "semua hanya tak silakan memiliki setiap jika agar masukkan",
    "vi": "và là của có không một được cho này rất tôi với các để trong khi đã sản phẩm tốt thì "
    "mà như người những đẹp giao hàng chất lượng nhưng cũng hay bạn phải hãy từ đến ra vào lại "
    "hơn giá nào đó về số",
    "ca": "el la els les i és una un molt que no amb per però de del en es seva al més aquest "
    "aquesta això com si ja bé sense em ha he són està hi tot tots quan perquè o a què sobre "
    "també bona bo producte qualitat talla gràcies d'un d'una cap aquests heu ser pot us plau "
    "vós altres seu",
}
# Letters of which a word is more likely of these languages than of the others.
LETTERS = {
    "ß": "de",
    "ä": "de sv fi et sk",
    "ö": "de sv fi et hu tr az",
    "ü": "de et hu tr az",
    "ñ": "es",
    "¿": "es",
    "¡": "es",
    "ã": "pt vi",
    "õ": "pt et vi",
    "ç": "fr pt tr az sq ca",
    "œ": "fr",
    "ù": "fr it vi",
    "û": "fr",
    "ê": "fr pt vi",
    "è": "fr it ca",
    "à": "fr it ca pt vi",
    "ì": "it vi",
    "ò": "it ca vi",
    "ë": "sq nl",
    "å": "sv da no",
    "æ": "da no",
    "ø": "da no",
    "ą": "pl lt",
    "ę": "pl lt",
    "ł": "pl",
    "ż": "pl",
    "ź": "pl",
    "ć": "pl hr",
    "ń": "pl",
    "ś": "pl",
    "č": "cs sk sl hr lt lv",
    "š": "cs sk sl hr lt lv et",
    "ž": "cs sk sl hr lt lv et",
    "đ": "hr vi",
    "ř": "cs",
    "ů": "cs",
    "ě": "cs",
    "ý": "cs sk",
    "ľ": "sk",
    "ť": "sk cs",
    "ď": "sk cs",
    "ô": "sk fr vi",
    "ė": "lt",
    "į": "lt",
    "ų": "lt",
    "ū": "lt lv",
    "ā": "lv",
    "ē": "lv",
    "ī": "lv",
    "ģ": "lv",
    "ķ": "lv",
    "ļ": "lv",
    "ņ": "lv",
    "ő": "hu",
    "ű": "hu",
    "ă": "ro vi",
    "â": "ro fr pt vi",
    "î": "ro fr",
    "ș": "ro",
    "ț": "ro",
    "ţ": "ro",
    "ş": "tr az ro",
    "ğ": "tr az",
    "ı": "tr az",
    "ə": "az",
    "ơ": "vi",
    "ư": "vi",
}
# How words end that are in no list.
ENDINGS = {
    "en": "ing ings tion tions ed ly ness ment ful less able ible ity ties ers th ght ck sh ough "
    "dy ous ive ard own ood ess ist ure age ance ence ized ever self ake ies ry ll ff ss ace ate "
    "ape",
    "de": "ung ungen keit heit lich liche lichen isch ische ischen tzt icht cht rt gen ten ern "
    "eit elle ierung iert tät schaft ein tze ßen zen bar sten hlt hler ehr nn aus euch uch",
    "fr": "eux euse eur eurs ment tion ique iques ez és ée ées aient ait ant ante elle elles oir "
    "oire ois aux eau ette ière iers que age ages eil aire isé isée",
    "es": "ción ciones dad dades mente ado ada ados adas ido ida ando iendo ero era eros ista "
    "ible oso osa ios ente eza ar er ir ón ario ío ores ajo aje aba",
    "it": "zione zioni tà mente ato ata ati ate ito uto are ere ire ando endo ello ella etto "
    "etta issimo issima oso osa ità gio gli ggio tore tori cchi zza io sce ibile abile ino",
    "pt": "ção ções dade dades mente ado ada ados adas ando indo endo eiro eira oso osa ão ões "
    "ável ível agem inho inha ém ário ês lho lha eu ou ei",
    "nl": "ijk ijke ijd eld elde heid ing ingen tie ties aar aat oor eer een oek ijn ijf uik aan "
    "uit erd gen ven den ken ten tjes tje sch ische unt acht ucht ijs lijst rij and",
    "sv": "ning ningar het lig liga ligt sk ska skt ande ende ade erade are arna orna erna ör "
    "ött else äll ält åt rar ler tt et en ar or",
    "da": "ning ninger hed lig lige ligt sk ske ende ede erede ere erne else elser et en øj ød "
    "tid dt gt dig sig ter kke lse ode elt",
    "no": "ning ninger het lig lige ligt sk ske ende ede ert erte ere ene else elser et en øy ød "
    "tid tt gt dig sig ter kke ng sjon sjoner este nn lle lde",
    "fi": "nen sen sti ssa ssä sta stä lla llä lta ltä lle tta ttä taan tään aan ään een iin uus "
    "yys isen iset ista inen kin ksi ni si vat vät ita itä oida uksen minen attu etty tys tus oi "
    "keä elle eet uu ii kse itse utta",
    "et": "mine mise mist tud dud sse tele dele ksid ksime us uste ine ise ast est sti ga ks ega "
    "ata da ida alik line likku id ud tus tav uda eks jaks eeritud ad aja ada aeg",
    "lv": "šana šanas ība ības ējs ējums iem ām ēm ās ēs ais ajā iet ot ēt īt āt ums umi ķis nis "
    "jas jam tāja tājs ots ota ēts īgs ija ijas ojiet iņa us is es as os",
    "lt": "imas imo ymas ymo umas tas tis tojas tojo jas ius iai iui uoti yti ėti oti iais aus "
    "ių ės ybė kite tų omas ama oje ėje uje sė kas nis us is as os ys mė auti",
    "pl": "anie ania enie enia ość ości owy owa owe ego emu ych ymi ny na ne ać eć ić yć ować "
    "cja cji cje ów ami ach nik nika ski ska skie dzie sz cz rz ek ka ły ła ło ył",
    "cs": "ání ení ost osti ový ová ové ého ému ých ými ný ná né át et it ovat ace ací í ů ách "
    "ník ský ská ské ek ka ky ko te ete ejte ze ěn ován ována tel dlo žit",
    "sk": "anie ania enie enia osť osti ový ová ové ého ému ých ými ný ná né ať iť ovať cia cie "
    "ií ov ách ník ský ská ské ok ka ky ko te ite jte ené ený ená ovaný teľ nie vať",
    "sl": "anje anja enje enja ost osti ni na no ega emu ih imi ati iti eti ovati cija cije ov "
    "ah nik ski ska sko ek ka ke te ite jte en an ena ilo ili lov vilo jen žba lec",
    "hr": "anje anja enje enja ost osti ni na no og oga om ih ima ati iti jeti ovati cija cije "
    "ova ama nik ski ska sko ak ka ke te ite jte en an ena stvo jen lja nja ije lo ci",
    "hu": "ás és ásra ság ség ban ben ból ből nak nek val vel hoz hez tól től ra re ott ett ni "
    "ok ek ak tott tett lás lés zás zés ány ény tás tés atlan etlen os es ja je om em gy sz elt "
    "alt kat ket ató ető at et ot",
    "ro": "ție ții țiune tate ului ilor elor ează esc ește at ată ate ați ut ută are ere ire ul "
    "ele uri lor ment ător tor iei ii ia ea ar eau âng ând ind rea",
    "sq": "isht imi imit ve et it in ur uar osur uara esë ësi ës ën ër im sh ojë oni iten eve "
    "ave ues uese shme shëm ëve ura je ja tur kë ata",
    "tr": "lar ler ları leri dır dir dur dür mak mek yor iyor ım im um üm ın in un ün da de den "
    "dan siz sız lık lik lığı liği nda nde sı si su ecek acak ması mesi miş mış di dı ip an lı "
    "li ti tı yı yi ığı iği",
    "az": "lar lər ları ləri dır dir dur dür maq mək ır ir ım im ın in un ün da də dən dan siz "
    "sız lıq lik ması məsi miş mış di dı ib lı li nda ndə ası əsi yin ti sı si mə ət əl iz",
    "id": "kan an nya ang ung ing ak ik uk ah ih uh lah pun asi itas ar er ir ur ai us at ut ap "
    "am im um as is ol",
    "vi": "",
    "ca": "ció cions tat tats ment at ada ats ades it ida ant ent er era ers eu ix eix ós osa "
    "ible ista atge eta ells ar ir ari ors ic itat isme",
}
